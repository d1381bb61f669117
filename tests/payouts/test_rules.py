"""Claims, answers and files, without a store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from chalicelib.kernel.actors import Actor, Role
from chalicelib.payouts.rules import claims, files, payments
from chalicelib.payouts.rules.answers import BrokenAnswer, read_answer
from chalicelib.payouts.rules.claims import (
    MOVES,
    Claim,
    Hand,
    NothingToClaim,
    NotNow,
    Posted,
    ReasonNeeded,
    SecondPerson,
    SiteClaims,
    SumChanged,
)
from chalicelib.payouts.rules.payments import AnswerLine, PaymentLine

HAND = Hand("somebody", "2026-11-14T05:00:00.000000Z")
FINANCE = Actor("finance-1", frozenset({Role.FINANCE}))


def a_claim(**other) -> Claim:
    usual = Claim(
        claim_id="claim-aaaa",
        number=1,
        site_id="site-aaaa",
        organisation_id="org-aaaa",
        programme="preschool",
        area="taldykorgan",
        month="2026-10",
        first=1,
        last=1,
        amount_tiyn=100_00,
        state="calculated",
    )
    return replace(usual, **other)


NONE = SiteClaims(site_id="site-aaaa", month="2026-10")
ONE = replace(NONE, covered=1, claims=("claim-aaaa",))


def plan(known, last, *movements):
    start = known.covered + 1
    posted = [Posted(n, movement) for n, movement in enumerate(movements, start=start)]
    return claims.plan_claim(known, last, posted, site=a_claim(claim_id="", amount_tiyn=0))


# --- claims -------------------------------------------------------------------------------------


def test_the_first_statement_makes_a_claim_with_an_id_of_its_own():
    known, claim = plan(NONE, None, 100_00)

    assert (claim.amount_tiyn, claim.state, claim.first, claim.last) == (100_00, "calculated", 1, 1)
    assert known.claims == (claims.claim_id("site-aaaa", "2026-10", 1),)
    assert known.covered == 1


@pytest.mark.parametrize(
    ("last", "movement", "amount", "state"),
    [
        (a_claim(), 50_00, 150_00, "calculated"),
        (a_claim(), -150_00, 50_00, "open-case"),
        (a_claim(), -100_00, 0, "calculated"),
        (a_claim(state="signed", signed=HAND), -10_00, 90_00, "calculated"),
        (
            a_claim(state="open-case", reason="overpaid", amount_tiyn=20_00),
            50_00,
            30_00,
            "calculated",
        ),
        (
            a_claim(state="open-case", reason="overpaid", amount_tiyn=20_00),
            -5_00,
            25_00,
            "open-case",
        ),
    ],
)
def test_a_claim_that_is_not_agreed_takes_in_what_comes_later(last, movement, amount, state):
    known, claim = plan(ONE, last, movement)

    assert (claim.claim_id, claim.amount_tiyn, claim.state) == ("claim-aaaa", amount, state)
    assert claim.signed is None
    assert known.covered == 2


def test_a_signed_claim_waits_for_its_agreement_while_more_is_due():
    assert plan(ONE, a_claim(state="signed", signed=HAND), 50_00) is None


@pytest.mark.parametrize("state", ["agreed", "released", "sent", "settled", "returned"])
def test_what_comes_after_the_agreement_is_a_claim_of_its_own(state):
    _, claim = plan(ONE, a_claim(state=state), 50_00)

    assert claim.number == 2
    assert claim.amount_tiyn == 50_00
    _, claim = plan(ONE, a_claim(state=state), -50_00)
    assert (claim.state, claim.reason, claim.amount_tiyn) == ("open-case", "overpaid", 50_00)


def test_statements_that_come_down_to_nothing_make_no_claim():
    assert plan(NONE, None, 0) == (replace(NONE, covered=1), None)
    assert plan(ONE, a_claim()) is None


def test_a_signature_is_over_the_sum_that_was_seen():
    assert claims.decide_signature(a_claim(), amount_tiyn=100_00, hand=HAND).state == "signed"
    with pytest.raises(SumChanged):
        claims.decide_signature(a_claim(), amount_tiyn=99_00, hand=HAND)
    with pytest.raises(NothingToClaim):
        claims.decide_signature(a_claim(amount_tiyn=0), amount_tiyn=1, hand=HAND)


def test_an_agreement_gives_no_reason_and_a_refusal_does():
    signed = a_claim(state="signed", signed=Hand("head-1", HAND.at))

    assert claims.decide_agreement(signed, agree=True, reason=None, hand=HAND).state == "agreed"
    back = claims.decide_agreement(signed, agree=False, reason="wrong-sum", hand=HAND)
    assert (back.state, back.signed, back.reason) == ("calculated", None, "wrong-sum")
    for agree, reason in ((True, "wrong-sum"), (False, None)):
        with pytest.raises(ReasonNeeded):
            claims.decide_agreement(signed, agree=agree, reason=reason, hand=HAND)


@pytest.mark.parametrize("field", ["signed", "agreed"])
def test_nobody_releases_what_they_signed_or_agreed(field):
    claim = a_claim(state="agreed", **{field: Hand("finance-1", HAND.at)})

    with pytest.raises(SecondPerson):
        claims.decide_release(claim, by=FINANCE, hand=HAND)
    assert claims.decide_release(a_claim(state="agreed"), by=FINANCE, hand=HAND).state == "released"


@pytest.mark.parametrize("state", sorted({s for s, _ in MOVES} | set(MOVES.values())))
@pytest.mark.parametrize("move", sorted({m for _, m in MOVES}))
def test_a_step_leads_where_the_table_says_or_nowhere(state, move):
    claim = a_claim(state=state)

    if (state, move) in MOVES:
        assert claims.moved(claim, move) == MOVES[state, move]
    else:
        with pytest.raises(NotNow):
            claims.moved(claim, move)


def test_what_the_provider_owes_is_no_payment():
    with pytest.raises(NotNow):
        claims.moved(a_claim(state="open-case", reason="overpaid"), "settle")


# --- answers to a payment -----------------------------------------------------------------------


def a_line(**other) -> PaymentLine:
    usual = PaymentLine(
        end_to_end_id="payment-aaaa",
        run_id="run-aaaa",
        organisation_id="org-aaaa",
        programme="preschool",
        area="taldykorgan",
        month="2026-10",
        amount_tiyn=100_00,
        claims=("claim-aaaa",),
        sent_at="2026-11-16T05:00:00.000000Z",
    )
    return replace(usual, **other)


def said(what, amount_tiyn=100_00) -> AnswerLine:
    return AnswerLine(line=2, end_to_end_id="payment-aaaa", said=what, amount_tiyn=amount_tiyn)


@pytest.mark.parametrize(
    ("line", "answer", "became", "move"),
    [
        (a_line(), said("settled"), "settled", "settle"),
        (a_line(), said("returned"), "returned", "return"),
        (a_line(), said("refused"), "refused", "refuse"),
        (a_line(), said("pending"), "pending", None),
        (a_line(), said("settled", 99_00), "open-case", "doubt"),
        (a_line(state="settled"), said("settled"), "already", None),
        (a_line(state="settled"), said("returned"), "returned", "return"),
        (a_line(state="settled"), said("refused"), "open-case", None),
        (a_line(state="settled"), said("returned", 1_00), "open-case", None),
        (a_line(state="returned"), said("returned"), "already", None),
        (a_line(state="returned"), said("settled"), "open-case", None),
        (a_line(state="open-case", reason="wrong-sum"), said("settled"), "open-case", None),
        (a_line(state="open-case", reason="no-answer"), said("settled"), "settled", "settle"),
        (a_line(state="open-case", reason="no-answer"), said("settled", 1), "open-case", None),
    ],
)
def test_a15_each_answer_settles_returns_or_opens_one_case(line, answer, became, move):
    verdict = payments.decide_answer(line, answer, answer_id="answer-1")

    assert (verdict.became, verdict.move) == (became, move)


def test_an_answer_that_goes_on_after_a_crash_tells_what_it_did():
    line = a_line(state="settled", answered_by="answer-1")

    assert payments.decide_answer(line, said("settled"), answer_id="answer-1").became == "settled"
    assert payments.decide_answer(line, said("settled"), answer_id=None).became == "already"


# --- answer files -------------------------------------------------------------------------------

HEAD = "record,end_to_end_id,status,amount,reason\r\n"


def csv_of(*rows, total=None, head=HEAD):
    body = head + "".join(f"{row}\r\n" for row in rows)
    return (body + (total or "")).encode()


GOOD = csv_of(
    "payment,payment-aaaa,settled,1795240.00,",
    "payment,payment-bbbb,returned,10.50,AC04",
    total="total,2,,1795250.50,\r\n",
)


def test_a_csv_answer_is_read_to_the_tiyn():
    first, second = read_answer(GOOD)

    assert (first.line, first.said, first.amount_tiyn) == (2, "settled", 179_524_000)
    assert (second.said, second.amount_tiyn, second.reason) == ("returned", 10_50, "AC04")
    marked = b"\xef\xbb\xbf" + GOOD.replace(b",", b";")
    assert read_answer(marked) == (first, second)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 1, "cut-off"),
        (b"a,b\r\n", 1, "headings"),
        (csv_of("payment,payment-aaaa,settled,1.00,"), 3, "cut-off"),
        (GOOD[:70], 2, "columns"),
        (GOOD[: GOOD.index(b"total")], 4, "cut-off"),
        (GOOD.replace(b"total,2", b"total,3"), 4, "total"),
        (GOOD.replace(b"1795250.50", b"1795250.51"), 4, "total"),
        (GOOD + b"payment,x,settled,1.00,\r\n", 5, "after-total"),
        (GOOD.replace(b"settled", b"done"), 2, "status"),
        (GOOD.replace(b"1795240.00", b"-1"), 2, "amount"),
        (GOOD.replace(b"1795240.00", b"1.005"), 2, "amount"),
        (GOOD.replace(b"payment-bbbb", b""), 3, "end-to-end-id"),
        (GOOD.replace(b"AC04", b"no such account"), 3, "reason"),
        (GOOD.replace(b"AC04", b"AC04,x"), 3, "columns"),
        (GOOD.replace(b"payment,payment-b", b"line,payment-b"), 3, "record"),
        (GOOD.replace(b"AC04", "Счёт".encode("cp1251")), 3, "charset"),
        (csv_of(total="total,0,,0,\r\n"), 1, "no-payments"),
        (b'<?xml version="1.0"?><a/>', 1, "not-pain.002"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole_and_names_the_line(content, line, problem):
    with pytest.raises(BrokenAnswer) as refused:
        read_answer(content)

    assert refused.value.facts == {"line": line, "problem": problem}


PAIN_002 = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">
 <CstmrPmtStsRpt>
  <GrpHdr><MsgId>bank-1</MsgId><CreDtTm>2026-11-18T10:00:00Z</CreDtTm></GrpHdr>
  <OrgnlGrpInfAndSts><OrgnlMsgId>m</OrgnlMsgId></OrgnlGrpInfAndSts>
  <OrgnlPmtInfAndSts>
   <OrgnlPmtInfId>p</OrgnlPmtInfId>
   <TxInfAndSts>
    <OrgnlEndToEndId>payment-aaaa</OrgnlEndToEndId><TxSts>ACSC</TxSts>
    <OrgnlTxRef><Amt><InstdAmt Ccy="KZT">100.00</InstdAmt></Amt></OrgnlTxRef>
   </TxInfAndSts>
   <TxInfAndSts>
    <OrgnlEndToEndId>payment-bbbb</OrgnlEndToEndId><TxSts>RJCT</TxSts>
    <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>
    <OrgnlTxRef><Amt><InstdAmt Ccy="KZT">10.50</InstdAmt></Amt></OrgnlTxRef>
   </TxInfAndSts>
  </OrgnlPmtInfAndSts>
 </CstmrPmtStsRpt>
</Document>
"""


def test_pain_002_is_read_alike():
    first, second = read_answer(PAIN_002.encode())

    assert (first.end_to_end_id, first.said, first.amount_tiyn) == (
        "payment-aaaa",
        "settled",
        100_00,
    )
    assert (second.said, second.amount_tiyn, second.reason) == ("refused", 10_50, "AC04")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PAIN_002[:-30], "not-whole-xml"),
        (PAIN_002.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1), "document-type"),
        (PAIN_002.replace('Ccy="KZT">100', 'Ccy="USD">100'), "currency"),
        (PAIN_002.replace("ACSC", "WHAT"), "status"),
        (PAIN_002.replace("<Cd>AC04</Cd>", "<Cd>AC 04!</Cd>"), "reason"),
        (PAIN_002.replace("<Amt>", "<!--").replace("</Amt>", "-->"), "amount"),
    ],
)
def test_pain_002_that_cannot_be_read_is_refused_whole(text, problem):
    with pytest.raises(BrokenAnswer) as refused:
        read_answer(text.encode())

    assert refused.value.facts["problem"] == problem


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD) - 3))
def test_a_file_cut_anywhere_is_refused(at):
    with pytest.raises(BrokenAnswer):
        read_answer(GOOD[:at])


# --- payment files ------------------------------------------------------------------------------

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("pain.001.001.09.xsd")))


def a_register(*amounts) -> files.Register:
    return files.Register(
        run_id="run-aaaa",
        made_at="2026-11-16T05:00:00.000000Z",
        execute_on="2026-11-16",
        month="2026-10",
        treasury=files.Treasury(
            name="Білім бөлімі", bin="990140001015", account="KZ3807010KSN01010001", bank="KKMFKZ2A"
        ),
        transfers=tuple(
            files.Transfer(
                number=n,
                end_to_end_id=claims.short_id("x", str(n)),
                organisation_id=f"org-{n}",
                payee='ТОО "Бөбек & Ко" <1>',
                bin="010140000012",
                account="KZ3807010KSN01010001",
                bank="KKMFKZ2A",
                amount_tiyn=amount,
                month="2026-10",
            )
            for n, amount in enumerate(amounts, start=1)
        ),
    )


def test_c8_the_payment_file_is_valid_and_its_control_sum_is_the_run_s():
    register = a_register(179_524_00, 1, 65_000_00)

    content = files.pain_001(register)

    document = etree.fromstring(content)
    SCHEMA.assertValid(document)
    sums = {e.text for e in document.iter("{*}CtrlSum")}
    amounts = [e.text for e in document.iter("{*}InstdAmt")]
    assert sums == {"244524.01"}
    assert amounts == ["179524.00", "0.01", "65000.00"]
    assert {e.get("Ccy") for e in document.iter("{*}InstdAmt")} == {"KZT"}
    assert files.pain_001(a_register(179_524_00, 1, 65_000_00)) == content
