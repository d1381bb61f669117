"""The bank's files in every form: read alike, refused whole, each entry accounted for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.payouts.rules.answers import BrokenAnswer, read_answer, read_file

from .bank import OURS, Line, camt_053, csv, is_valid, pain_002, status_report

TWO = (Line("payment-aaaa", "settled", 100_00), Line("payment-bbbb", "returned", 10_50, "AC04"))


def told(content: bytes) -> list[tuple[str, str, int, str | None]]:
    return [(x.end_to_end_id, x.said, x.amount_tiyn, x.reason) for x in read_answer(content)]


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_statement_says_what_the_treasury_s_table_says(version):
    content = camt_053(TWO, version)

    assert is_valid(f"camt.053.001.{version}", content)
    assert told(content) == told(csv(TWO))
    assert read_file(content).accounts == (OURS,)


@pytest.mark.parametrize("version", ["03", "12"])
def test_a_status_report_of_any_version_is_read_alike(version):
    lines = (TWO[0], Line("payment-bbbb", "refused", 10_50, "AC04"))
    content = pain_002(lines, version)

    assert is_valid(f"pain.002.001.{version}", content)
    assert told(content) == told(csv(lines))


@pytest.mark.parametrize("form", [csv, pain_002, camt_053])
def test_lines_in_another_order_are_the_same_lines(form):
    lines = [Line(f"payment-{n:04d}", "settled", 100 + n) for n in range(5)]

    assert sorted(told(form(lines[::-1]))) == sorted(told(form(lines)))


def test_what_is_not_booked_yet_is_pending():
    assert told(camt_053([Line("payment-aaaa", "pending", 5)])) == [
        ("payment-aaaa", "pending", 5, None)
    ]


def test_an_entry_without_an_id_of_ours_has_the_same_name_each_time_and_no_other_s():
    some = [Line("", "settled", 5, reference="R1"), Line("", "settled", 5, reference="R2")]
    names = [one.end_to_end_id for one in read_answer(camt_053(some))]

    assert len(set(names)) == 2
    assert all(name.startswith("entry-") and len(name) <= 35 for name in names)
    assert [one.end_to_end_id for one in read_answer(camt_053(some[::-1]))] == names[::-1]
    missing = camt_053(some).replace(b"<AcctSvcrRef>R1</AcctSvcrRef>", b"")
    missing = missing.replace(b"<AcctSvcrRef>R2</AcctSvcrRef>", b"")
    assert len({one.end_to_end_id for one in read_answer(missing)}) == 2
    not_provided = camt_053([Line("NOTPROVIDED", "returned", 5, reference="R1")])
    assert read_answer(not_provided)[0].end_to_end_id.startswith("entry-")


def test_a_batch_booked_as_one_is_one_file_of_ours():
    batch = (
        '<Ntry><Amt Ccy="KZT">110.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        "<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>"
        "<NtryDtls><Btch><PmtInfId>the-file</PmtInfId><NbOfTxs>2</NbOfTxs></Btch></NtryDtls></Ntry>"
    )
    content = camt_053((), opening_tiyn=0, extra=batch).replace(b"<Cd>CLBD</Cd>", b"<Cd>ITBD</Cd>")

    assert is_valid("camt.053.001.08", content)
    (line,) = read_answer(content)
    assert (line.end_to_end_id, line.whole, line.amount_tiyn, line.said) == (
        "the-file",
        True,
        110_50,
        "settled",
    )


@pytest.mark.parametrize(("status", "said"), [("RJCT", "refused"), ("ACSC", "settled")])
def test_a_status_of_a_whole_file_is_kept_as_one(status, said):
    group = f"<OrgnlNbOfTxs>2</OrgnlNbOfTxs><OrgnlCtrlSum>110.5</OrgnlCtrlSum><GrpSts>{status}"
    content = status_report(group=f"{group}</GrpSts>", message="the-file")

    assert is_valid("pain.002.001.12", content)
    (line,) = read_answer(content)
    assert (line.end_to_end_id, line.whole, line.said, line.amount_tiyn) == (
        "the-file",
        True,
        said,
        110_50,
    )


GOOD = camt_053(TWO).decode()
DETAIL = '<EndToEndId>payment-aaaa</EndToEndId></Refs><Amt Ccy="KZT">'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD[:-40], "not-whole-xml"),
        (GOOD.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1), "document-type"),
        (GOOD.replace('<Amt Ccy="KZT">100', '<Amt Ccy="USD">100'), "currency"),
        (GOOD.replace("<Ccy>KZT", "<Ccy>EUR"), "currency"),
        (GOOD.replace("100.00", "-100.00"), "amount"),
        (GOOD.replace("100.00", "100.001"), "amount"),
        (GOOD.replace("<NbOfNtries>2", "<NbOfNtries>3"), "total"),
        (GOOD.replace("<Sum>110.50", "<Sum>110.51"), "total"),
        (GOOD.replace("DBIT", "BOTH"), "credit-or-debit"),
        (GOOD.replace("<IBAN>KZ3807010KSN01010001</IBAN>", "<IBAN/>"), "account"),
        (GOOD.replace("9999910.50", "9999910.51"), "balance"),
        (GOOD.replace("AC04", "AC 04!"), "reason"),
        (GOOD.replace("payment-aaaa", "payment‑aaaa"), "end-to-end-id"),
        (GOOD.replace("camt.053", "camt.054"), "not-pain.002"),
        (GOOD.replace("UTF-8", "no-such-encoding"), "charset"),
        (GOOD.replace("<Stmt>", "<a>" * 60 + "</a>" * 60 + "<Stmt>"), "depth"),
        (GOOD.replace(f"{DETAIL}100", f"{DETAIL}99"), "total"),
    ],
)
def test_a_statement_that_cannot_be_read_is_refused_whole(text, problem):
    with pytest.raises(BrokenAnswer) as refused:
        read_answer(text.encode())

    assert refused.value.facts["problem"] == problem


def test_a_declared_encoding_of_the_country_is_read_and_an_undeclared_one_refused():
    russian = camt_053(TWO, encoding="windows-1251")

    assert told(russian) == told(csv(TWO))
    with pytest.raises(BrokenAnswer):
        read_answer(russian.replace(b"windows-1251", b"UTF-8"))
    assert told(GOOD.replace("UTF-8", "UTF-16").encode("utf-16")) == told(csv(TWO))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_a_table_saved_in_another_encoding_is_told_so(encoding):
    with pytest.raises(BrokenAnswer) as refused:
        read_answer(csv(TWO).decode().encode(encoding))

    assert refused.value.facts["problem"] == "charset"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(camt_053(TWO)) - 3))
def test_a_statement_cut_anywhere_is_refused(at):
    with pytest.raises(BrokenAnswer):
        read_answer(camt_053(TWO)[:at])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"<", b"record,"]))
def test_no_bytes_are_more_than_refused(rest, start):
    with pytest.raises(BrokenAnswer):
        read_answer(start + rest)
