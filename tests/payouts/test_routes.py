"""Payouts over HTTP: one yes, and each no, down to its code."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from lxml import etree

from chalicelib.edge import auth, texts
from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions, routes, store
from chalicelib.payouts.actions import paying
from chalicelib.payouts.rules.claims import claim_id
from chalicelib.providers import store as providers
from chalicelib.storage.commit import commit
from infra.local import issuer
from tests.billing.builders import OCTOBER, a_site_on_the_list, an_organisation

from .bank import Line, camt_053
from .builders import JOB, NOW, OTHER_FINANCE, allot, answer_file, bill

SUM = tenge(65_000)
SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("pain.001.001.09.xsd")))
RUN = {"programme": "preschool", "area": "taldykorgan", "month": "2026-10"}


class Town:
    """A billed month, and the tokens of those whose hands it passes."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.head = cloud.token("head", "head-1", organisations=["org-site-aaaa"])
        self.stranger = cloud.token("head", "head-2", organisations=["org-other"])
        self.department = cloud.token("department", "officer-1", areas=["taldykorgan"])
        self.finance = cloud.token("finance", "officer-2", areas=["taldykorgan"])
        self.other_finance = cloud.token("finance", "officer-4", areas=["taldykorgan"])
        self.far = cloud.token("finance", "officer-3", areas=["astana"])
        self.auditor = cloud.token("auditor", "auditor-1")
        actions.calculate("site-aaaa", OCTOBER, by=JOB, now=NOW)
        self.claim_id = claim_id("site-aaaa", "2026-10", 1)
        self.claim = f"/v1/payouts/claims/{self.claim_id}"

    def sign(self, token=None, **body):
        body = {"amount_tiyn": SUM, **body}
        return self.cloud.put(f"{self.claim}/signature", body, token=token or self.head)

    def agree(self, token=None, **body):
        body = {"agreed": True, **body}
        return self.cloud.put(f"{self.claim}/agreement", body, token=token or self.department)

    def release(self, token=None):
        return self.cloud.put(f"{self.claim}/release", {}, token=token or self.finance)

    def propose(self, run_id="run-aaaa", token=None, **body):
        path = f"/v1/payouts/runs/{run_id}"
        return self.cloud.put(path, {**RUN, **body}, token=token or self.finance)

    def confirm(self, total_tiyn=SUM, run_id="run-aaaa", token=None):
        path = f"/v1/payouts/runs/{run_id}/confirmation"
        asked = {"total_tiyn": total_tiyn}
        return self.cloud.put(path, asked, token=token or self.other_finance)

    def pay(self, run_id="run-aaaa", token=None, **body):
        proposed = self.propose(run_id, token, **body)
        if proposed.status != 200:
            return proposed
        return self.confirm(proposed.json["planned_tiyn"], run_id)

    def run(self, form="json", token=None, run_id="run-aaaa"):
        path = f"/v1/payouts/runs/{run_id}"
        return self.cloud.get(path, query={"format": form}, token=token or self.finance)

    def answer(self, content, answer_id="answer-1", token=None):
        return self.cloud.put(
            f"/v1/payouts/answers/{answer_id}",
            content,
            token=token or self.finance,
            headers={"content-type": "text/csv"},
        )

    def released(self):
        for said in (self.sign(), self.agree(), self.release()):
            assert said.status == 200, said.text
        return self

    def sent(self):
        said = self.released().pay()
        assert said.status == 200, said.text
        return said.json["payments"][0]["end_to_end_id"]


@pytest.fixture
def town(cloud):
    cloud.set_clock(NOW)
    allot()
    a_site_on_the_list("site-aaaa")
    an_organisation()
    bill()
    return Town(cloud)


def known_as(subject):
    """Return the pseudonym under which a sign-in of these tests goes."""
    return auth.subject_name(issuer.NAME, subject)


def no(said, status, code):
    assert (said.status, said.code) == (status, code), said.text


# --- claims -------------------------------------------------------------------------------------


def test_a_claim_passes_from_hand_to_hand_and_says_what_it_waits_for(town):
    assert town.sign().json["waits_for"] == "agreement"
    assert town.agree().json["waits_for"] == "release"
    assert town.release().json["waits_for"] == "payment-run"
    paid = town.pay().json
    assert paid["total_tiyn"] == SUM
    name = paid["payments"][0]["end_to_end_id"]
    said = town.answer(answer_file((name, "settled", SUM, "")))
    assert [line["became"] for line in said.json["lines"]] == ["settled"]
    listed = town.cloud.get("/v1/payouts/claims", query={"month": "2026-10"}, token=town.head)
    (claim,) = listed.json["claims"]
    assert (claim["state"], claim["waits_for"]) == ("settled", None)


def test_a1_every_step_again_has_one_effect_and_one_answer(town):
    name = town.sent()
    content = answer_file((name, "settled", SUM, ""))
    first = town.answer(content).json
    before = town.cloud.tables.effects()

    assert town.answer(content).json == first
    assert town.pay().status == 200
    assert town.cloud.tables.effects() == before


def test_b1_a_foreign_claim_answers_as_if_there_were_none(town):
    no(town.sign(token=town.stranger), 404, "kezek/unknown")
    no(town.release(token=town.far), 404, "kezek/unknown")
    far = town.cloud.token("department", "officer-9", areas=["astana"])
    no(town.agree(token=far), 404, "kezek/unknown")
    none = town.cloud.put(
        "/v1/payouts/claims/no-such-claim/signature", {"amount_tiyn": 1}, token=town.stranger
    )
    assert none.content == town.sign(token=town.stranger).content


def test_each_hand_has_its_role(town):
    no(town.sign(token=town.finance), 403, "kezek/not-your-role")
    no(town.agree(token=town.finance), 403, "kezek/not-your-role")
    no(town.release(token=town.department), 403, "kezek/not-your-role")
    no(town.pay(token=town.department), 403, "kezek/not-your-role")
    no(town.run(token=town.head), 403, "kezek/not-your-role")


def test_a_signature_over_another_sum_is_refused(town):
    no(town.sign(amount_tiyn=1), 409, "payouts/sum-changed")
    no(town.sign(amount_tiyn=0), 400, "kezek/bad-field")


@pytest.mark.parametrize("wrong", [-SUM, SUM + 0.5, str(SUM), True, None])
def test_a_sum_that_is_no_whole_number_of_tiyn_above_nothing_is_refused_everywhere(town, wrong):
    case = "/v1/payouts/cases/unknown-0001/decision"
    asked = {"what": "partial", "why": "bank-letter", "document": "1", "settled_tiyn": wrong}

    no(town.sign(amount_tiyn=wrong), 400, "kezek/bad-field")
    no(town.confirm(wrong), 400, "kezek/bad-field")
    set_off = {"against": town.claim_id, "amount_tiyn": wrong}
    said = town.cloud.put(f"{town.claim}/set-off", set_off, token=town.finance)
    no(said, 400, "kezek/bad-field")
    if wrong is not None:
        no(town.cloud.put(case, asked, token=town.finance), 400, "kezek/bad-field")
    budget = "/v1/budgets/preschool/taldykorgan/2026"
    said = town.cloud.put(budget, {"act": "act-2", "amount_tiyn": wrong}, token=town.finance)
    no(said, 400, "kezek/bad-field")


@pytest.mark.parametrize("path", ["claims", "figures", "clock"])
def test_a_month_that_cannot_be_is_refused_wherever_one_is_asked_for(town, path):
    for month, code in (("2026-13", "kernel/bad-month"), ("2026-1", "kezek/bad-field")):
        query = {"month": month, "programme": "preschool", "area": "taldykorgan"}
        no(town.cloud.get(f"/v1/payouts/{path}", query=query, token=town.finance), 400, code)


def test_a_claim_that_came_to_nothing_is_not_signed(town):
    bill(codes="N" * 21)
    actions.calculate("site-aaaa", OCTOBER, by=JOB, now=NOW)

    no(town.sign(), 409, "payouts/nothing-to-claim")


def test_steps_out_of_turn_are_refused(town):
    no(town.agree(), 409, "payouts/not-now")
    no(town.release(), 409, "payouts/not-now")


def test_who_does_not_agree_says_why(town):
    town.sign()
    no(town.agree(agreed=False), 400, "payouts/reason-needed")
    no(town.agree(agreed=True, reason="other"), 400, "payouts/reason-needed")
    no(town.agree(agreed=False, reason="whatever"), 400, "kezek/bad-field")
    back = town.agree(agreed=False, reason="wrong-sum").json
    assert (back["state"], back["reason"]) == ("calculated", "wrong-sum")


def test_an_agreement_over_less_than_is_accrued_is_refused(town):
    town.sign()
    bill(codes="P" * 20 + "N")

    no(town.agree(), 409, "budgets/account-short")


def test_nobody_releases_what_they_agreed(town):
    area = {"areas": ["taldykorgan"]}
    town.sign()
    town.agree(token=town.cloud.token("department", "both", **area))

    no(
        town.release(token=town.cloud.token("finance", "both", **area)),
        403,
        "payouts/second-person",
    )


def test_nobody_agrees_what_they_signed(town):
    signer = town.cloud.token("head", "both", organisations=["org-site-aaaa"])
    town.sign(token=signer)
    agreeing = town.cloud.token("department", "both", areas=["taldykorgan"])

    no(town.agree(token=agreeing), 403, "payouts/second-person")
    assert town.agree().status == 200


def test_nobody_pays_a_provider_they_admitted(town):
    kept = providers.load_site("site-aaaa")
    commit(providers.keep_site(kept, replace(kept.value, listed_by=known_as("both"))))
    town.sign()
    town.agree()

    no(
        town.release(token=town.cloud.token("finance", "both", areas=["taldykorgan"])),
        403,
        "payouts/admitted-here",
    )
    assert town.release().status == 200


def test_claims_are_listed_in_pages_to_those_who_may_see_them(town):
    query = {**RUN, "limit": "1"}
    page = town.cloud.get("/v1/payouts/claims", query=query, token=town.department).json

    assert [claim["claim_id"] for claim in page["claims"]] == [town.claim_id]
    assert page["next"] is None
    strange = town.cloud.get("/v1/payouts/claims", query={"month": "2026-10"}, token=town.stranger)
    assert strange.json["claims"] == []
    no(
        town.cloud.get("/v1/payouts/claims", query=RUN, token=town.far),
        404,
        "kezek/unknown",
    )
    no(
        town.cloud.get("/v1/payouts/claims", query={**RUN, "cursor": "xx"}, token=town.finance),
        400,
        "kezek/bad-cursor",
    )
    no(
        town.cloud.get("/v1/payouts/claims", query={"month": "2026-13"}, token=town.head),
        400,
        "kernel/bad-month",
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [("kk", "қолыңызды күтіп"), ("ru", "ждёт вашей подписи"), ("en", "waits for your signature")],
)
def test_a_claim_says_in_words_what_it_waits_for(town, language, words):
    query, headers = {"month": "2026-10"}, {"Accept-Language": language}
    said = town.cloud.get("/v1/payouts/claims", query=query, token=town.head, headers=headers)

    (claim,) = said.json["claims"]
    assert claim["waits_for"] == "signature"
    assert words in claim["why"]


def test_whatever_a_claim_waits_for_has_its_words():
    known = texts.catalogue()
    for waits_for in {*routes.WAITS_FOR.values(), "agreement-of-direction"}:
        assert set(known[f"why:{waits_for}"]) == {"kk", "ru", "en"}


# --- runs and files -----------------------------------------------------------------------------


def test_c8_the_files_of_a_run_agree_with_the_ledger_and_are_the_same_bytes_each_time(town):
    name = town.sent()
    xml, table, book = (town.run(form) for form in ("pain.001", "csv", "xlsx"))

    document = etree.fromstring(xml.content)
    SCHEMA.assertValid(document)
    assert [e.text for e in document.iter("{*}EndToEndId")] == [name]
    assert {e.text for e in document.iter("{*}CtrlSum")} == {"65000.00"}
    for form, earlier in (("pain.001", xml), ("csv", table), ("xlsx", book)):
        assert town.run(form).content == earlier.content


def test_c7_the_register_keeps_zeros_and_runs_nothing(town):
    name = town.sent()

    text = town.run("csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (rows[0]["bin"], rows[0]["amount_tenge"]) == ("010140000012", "65000.00")
    assert (rows[-1]["number"], rows[-1]["amount_tenge"]) == ("total", "65000.00")
    sheet = openpyxl.load_workbook(io.BytesIO(town.run("xlsx").content)).active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    by_name = dict(zip([c.value for c in sheet[1]], [c.value for c in sheet[2]], strict=True))
    assert (by_name["bin"], by_name["end_to_end_id"]) == ("010140000012", name)


def test_the_run_itself_names_no_account(town):
    town.sent()

    said = town.run(token=town.auditor)

    assert said.status == 200
    assert "KZ38" not in said.text
    no(town.run("csv", token=town.auditor), 404, "kezek/unknown")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 409, "payouts/nothing-released"),
        ({"programme": "clubs"}, 404, "policy/no-pack"),
        ({"area": "astana"}, 404, "kezek/unknown"),
        ({"month": "2026-13"}, 400, "kernel/bad-month"),
        ({"extra": 1}, 400, "kezek/bad-field"),
    ],
)
def test_a_run_that_cannot_be_is_refused(town, change, status, code):
    no(town.pay(**change), status, code)


def test_a2_a_run_with_other_content_is_refused(town):
    town.sent()

    no(town.pay(month="2026-09"), 409, "kezek/another-content")


def test_an_area_without_a_treasury_account_pays_nobody(town, monkeypatch):
    town.released()
    monkeypatch.setenv("KEZEK_TREASURY", "{}")

    no(town.pay(), 503, "payouts/treasury-missing")


def test_files_of_a_run_that_is_not_made_wait(town):
    town.released()
    town.propose()
    no(town.run("csv"), 409, "payouts/run-unconfirmed")
    assert town.run().json["state"] == "proposed"

    paying._confirm("run-aaaa", total_tiyn=SUM, by=OTHER_FINANCE, now=NOW)
    assert town.run().json["state"] == "confirmed"
    no(town.run("csv"), 409, "payouts/run-unfinished")


def test_a_run_whose_claims_another_one_paid_in_the_same_moment_has_no_file(town):
    town.released().propose("run-aaaa")
    town.propose("run-bbbb")
    # Both were confirmed while the claims were still free; one of them finds them gone.
    paying._confirm("run-bbbb", total_tiyn=SUM, by=OTHER_FINANCE, now=NOW)
    assert town.confirm(run_id="run-aaaa").json["made"] is True

    late = town.confirm(run_id="run-bbbb").json

    assert (late["made"], late["total_tiyn"], late["payments"]) == (True, 0, [])
    assert late["skipped"] == {"org-site-aaaa": "payouts/nothing-released"}
    no(town.run("pain.001", run_id="run-bbbb"), 409, "payouts/nothing-released")


def test_a_run_is_confirmed_by_another_over_the_sum_they_saw(town):
    said = town.released().propose().json
    assert (said["state"], said["planned_tiyn"], said["payments"]) == ("proposed", SUM, [])
    assert (said["hands"], said["hands_needed"], said["execute_on"]) == (1, 2, None)

    no(town.confirm(token=town.finance), 403, "payouts/second-person")
    no(town.confirm(SUM - 1), 409, "payouts/sum-changed")
    no(town.confirm(0), 400, "kezek/bad-field")
    no(town.confirm(token=town.far), 404, "kezek/unknown")
    no(town.confirm(token=town.department), 403, "kezek/not-your-role")
    no(town.confirm(run_id="run-none"), 404, "kezek/unknown")

    said = town.confirm().json
    assert (said["state"], said["hands"], said["total_tiyn"]) == ("made", 2, SUM)
    assert town.confirm().json == said
    no(town.confirm(SUM - 1), 409, "payouts/sum-changed")


def test_a_claim_says_how_many_hands_it_had_and_takes(town):
    town.sign()
    said = town.agree().json

    assert (said["agreements"], said["agreements_needed"]) == (1, 1)
    assert (said["releases"], said["releases_needed"]) == (0, 1)
    assert town.release().json["releases"] == 1


def test_an_unknown_or_foreign_run_answers_alike(town):
    town.sent()

    no(town.run(run_id="run-none"), 404, "kezek/unknown")
    no(town.run(token=town.far), 404, "kezek/unknown")


def test_money_follows_no_unconfirmed_account(town):
    from chalicelib.providers import store as providers
    from chalicelib.storage.commit import commit

    kept = providers.load_organisation("org-site-aaaa")
    changed = replace(kept.value, account="new")
    commit([providers.keep_organisation(kept, changed)])
    town.sign()
    town.agree()

    no(town.release(), 409, "providers/account-unconfirmed")
    listed = town.cloud.get("/v1/payouts/claims", query={"month": "2026-10"}, token=town.head)
    assert listed.json["claims"][0]["held"] == "providers/account-unconfirmed"


# --- answers ------------------------------------------------------------------------------------


def test_a_broken_answer_is_refused_with_its_line_and_takes_nothing(town):
    content = answer_file((town.sent(), "settled", SUM, ""))

    said = town.answer(content[: content.index(b"total")])

    no(said, 400, "payouts/broken-answer")
    assert said.json["line"] == 3
    assert store.find_answer("answer-1") is None


@pytest.mark.parametrize(
    ("language", "words"),
    [("kk", "валюта теңге емес"), ("ru", "валюта не тенге"), ("en", "the currency is not tenge")],
)
def test_whatever_is_wrong_with_a_file_is_said_in_words_and_nothing_is_lost(town, language, words):
    good = camt_053([Line(town.sent(), "settled", SUM)])
    cyrillic = answer_file(("XX-unknown-id", "refused", SUM, "счёт закрыт"))
    wrong = {
        "currency": good.replace(b'Ccy="KZT"', b'Ccy="USD"'),
        "not-whole-xml": good[: len(good) // 2],
        "charset": cyrillic.decode().encode("cp1251"),
        "amount": good.replace(f">{SUM // 100}.00".encode(), f">-{SUM // 100}.00".encode()),
        "total": good.replace(b"<NbOfNtries>1", b"<NbOfNtries>2"),
        "cut-off": answer_file((town.claim_id, "settled", SUM, "")).partition(b"total")[0],
    }
    for problem, content in wrong.items():
        said = town.cloud.put(
            "/v1/payouts/answers/answer-1",
            content,
            token=town.finance,
            headers={"content-type": "text/csv", "accept-language": language},
        )
        no(said, 400, "payouts/broken-answer")
        assert said.json["problem"] == problem
        phrase = texts.catalogue()[f"payouts/broken-answer:{problem}"][language]
        assert phrase in said.json["detail"]
        assert problem != "currency" or phrase == words

    assert store.find_answer("answer-1") is None
    (told,) = town.answer(good).json["lines"]
    assert told["became"] == "settled"


def test_every_problem_of_a_file_and_of_a_decision_has_its_words():
    rooms = Path(routes.__file__).parents[1] / "rules"
    for code, files in {
        "payouts/broken-answer": sorted((rooms / "answers").glob("*.py")),
        "payouts/case-does-not-fit": [rooms / "cases.py"],
    }.items():
        written = {
            found
            for file in files
            for found in re.findall(r'problem="([^"]+)"', file.read_text("utf-8"))
        }
        assert written
        assert {f"{code}:{one}" for one in written} <= texts.catalogue().keys()


def test_a2_an_answer_id_names_one_file(town):
    name = town.sent()
    town.answer(answer_file((name, "settled", SUM, "")))

    no(town.answer(answer_file((name, "returned", SUM, ""))), 409, "kezek/another-content")


def test_a13_an_answer_that_is_too_large_is_refused(town):
    no(town.answer(b"x" * 2_000_001), 413, "kezek/too-large")


def test_an_answer_is_shown_to_who_sent_it_and_to_auditors(town):
    town.answer(answer_file((town.sent(), "settled", SUM, "")))
    path = "/v1/payouts/answers/answer-1"

    assert town.cloud.get(path, token=town.finance).json["done"] is True
    assert town.cloud.get(path, token=town.auditor).status == 200
    no(town.cloud.get(path, token=town.far), 404, "kezek/unknown")


# --- figures ------------------------------------------------------------------------------------


def test_figures_need_no_token_and_hide_small_providers(town):
    said = town.cloud.get("/v1/payouts/figures", query=RUN)
    table = town.cloud.get("/v1/payouts/figures", query={**RUN, "format": "csv"})

    assert said.json["pay_on"] == "2026-11-18"
    assert said.json["providers"] == []
    assert table.headers["content-type"].startswith("text/csv")
    for change, status, code in (
        ({"area": "nowhere"}, 404, "policy/no-pack"),
        ({"month": "2026-00"}, 400, "kernel/bad-month"),
    ):
        query = {**RUN, **change}
        no(town.cloud.get("/v1/payouts/figures", query=query), status, code)


# --- unattended ---------------------------------------------------------------------------------


def test_a_posted_statement_becomes_a_claim_by_itself_and_silence_of_the_bank_a_case(town):
    bill("site-aaaa", "P" * 20 + "N")  # a correction: the outbox tells payouts

    town.cloud.drain()

    claim = store.load_claim(town.claim_id).value
    assert claim.amount_tiyn == tenge(61_905)
    assert town.cloud.dead_letters() == []
