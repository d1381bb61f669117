"""Rows of claims, payments, payment runs, bank answers and open cases; the treasury's accounts."""

from __future__ import annotations

import base64
import json
import os
import tomllib
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import msgspec

from chalicelib.kernel.periods import Month
from chalicelib.payouts.rules.cases import Case
from chalicelib.payouts.rules.claims import Claim, SiteClaims
from chalicelib.payouts.rules.clock import SiteClock
from chalicelib.payouts.rules.files import Treasury, TreasuryMissing
from chalicelib.payouts.rules.payments import (
    AnswerLine,
    BankAnswer,
    Became,
    PaymentLine,
    PaymentRun,
    Told,
    file_ids,
)
from chalicelib.storage import keys
from chalicelib.storage.commit import Check, Delete, Put, Raced
from chalicelib.storage.rows import MoneyRow
from chalicelib.storage.shelf import Kept, Shelf


class FiledAnswer(msgspec.Struct, frozen=True):
    """An answer as its row holds it: lines and what became of them packed, to a quarter.

    As text the longest file would not fit into a row. told: by line, what it became and the reason.
    Rows from before they were packed hold both as they are.
    """

    answer_id: str
    asked: str
    by: str
    at: str
    lines: str | tuple[AnswerLine, ...]
    done: bool = False
    told: str | tuple[Told, ...] = ()
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer file, and the row it was read from."""

    row: Kept[FiledAnswer]
    value: BankAnswer


SITES: Shelf[SiteClaims] = Shelf(MoneyRow, SiteClaims)
CLAIMS: Shelf[Claim] = Shelf(MoneyRow, Claim)
POINTERS: Shelf[dict[str, str]] = Shelf(MoneyRow, dict[str, str])
PAYMENTS: Shelf[PaymentLine] = Shelf(MoneyRow, PaymentLine)
RUNS: Shelf[PaymentRun] = Shelf(MoneyRow, PaymentRun)
ANSWERS: Shelf[FiledAnswer] = Shelf(MoneyRow, FiledAnswer)
CASES: Shelf[Case] = Shelf(MoneyRow, Case)


# --- claims -------------------------------------------------------------------------------------


def find_site_claims(site_id: str, month: Month) -> Kept[SiteClaims] | None:
    """Return the claims of a site's month, or None. One read."""
    return SITES.find(keys.site_claims(site_id, month))


def keep_site_claims(kept: Kept[SiteClaims] | None, claims: SiteClaims) -> Put:
    """Describe a site's claims; the first are created."""
    if kept is None:
        return SITES.create(keys.site_claims(claims.site_id, Month.parse(claims.month)), claims)
    return SITES.replace(kept, claims)


def find_claim(claim_id: str) -> Kept[Claim] | None:
    """Return a claim, or None. One read."""
    return CLAIMS.find(keys.claim(claim_id))


def load_claim(claim_id: str) -> Kept[Claim]:
    """Return a claim. Raises Unknown. One read."""
    return CLAIMS.load(keys.claim(claim_id))


def keep_claim(kept: Kept[Claim], claim: Claim) -> Put:
    """Describe a claim's next version."""
    return CLAIMS.replace(kept, claim)


def create_claim(claim: Claim) -> list[Put]:
    """Describe a new claim and the two rows by which an organisation and an area find it."""
    month = Month.parse(claim.month)
    by_organisation = keys.organisation_claims(claim.organisation_id, month, claim.claim_id)
    by_area = keys.area_claims(claim.programme, claim.area, month, claim.claim_id)
    return [
        CLAIMS.create(keys.claim(claim.claim_id), claim),
        POINTERS.create(by_organisation, {"site_id": claim.site_id}),
        POINTERS.create(by_area, {"site_id": claim.site_id}),
    ]


def list_area_claims(programme: str, area: str, month: Month) -> list[Kept[Claim]]:
    """Return an area's claims of a month by id. One query and a call per hundred."""
    partition = keys.area_claims(programme, area, month, "")[0]
    return find_claims([kept.sk for kept in POINTERS.each(partition)])


def list_organisation_claims(organisation_id: str, month: Month) -> list[Kept[Claim]]:
    """Return an organisation's claims of a month by id. One query and a call per hundred."""
    partition, begins = keys.organisation_claims(organisation_id, month, "")
    found = POINTERS.each(partition, begins=begins)
    return find_claims([kept.sk.removeprefix(begins) for kept in found])


def find_claims(claim_ids: Sequence[str]) -> list[Kept[Claim]]:
    """Return those claims that exist, by id."""
    found = CLAIMS.find_many([keys.claim(claim_id) for claim_id in claim_ids])
    return sorted(found.values(), key=lambda kept: kept.value.claim_id)


# --- payments -----------------------------------------------------------------------------------


def find_run(run_id: str) -> Kept[PaymentRun] | None:
    """Return a payment run, or None. One read."""
    return RUNS.find(keys.payment_run(run_id))


def load_run(run_id: str) -> Kept[PaymentRun]:
    """Return a payment run. Raises Unknown. One read."""
    return RUNS.load(keys.payment_run(run_id))


def keep_run(kept: Kept[PaymentRun] | None, run: PaymentRun) -> Put:
    """Describe a run; the first version is created."""
    if kept is None:
        return RUNS.create(keys.payment_run(run.run_id), run)
    return RUNS.replace(kept, run)


def find_payment(end_to_end_id: str) -> Kept[PaymentLine] | None:
    """Return a payment, or None. One read."""
    return PAYMENTS.find(keys.payment(end_to_end_id))


def find_payments(end_to_end_ids: Sequence[str]) -> list[PaymentLine]:
    """Return those payments that exist, by payee; a call per hundred."""
    found = PAYMENTS.find_many([keys.payment(name) for name in end_to_end_ids])
    return sorted((kept.value for kept in found.values()), key=lambda line: line.organisation_id)


def create_payment(line: PaymentLine) -> Put:
    """Describe a payee's one line in a run."""
    return PAYMENTS.create(keys.payment(line.end_to_end_id), line)


def keep_payment(kept: Kept[PaymentLine], line: PaymentLine) -> Put:
    """Describe a payment's next version."""
    return PAYMENTS.replace(kept, line)


def payment_stands(kept: Kept[PaymentLine]) -> Check:
    """Describe that a payment is still as it was read."""
    same = MoneyRow.version == kept.version
    return Check(MoneyRow(kept.pk, kept.sk), only_if=same, otherwise=Raced())


# --- answers and cases --------------------------------------------------------------------------


def find_answer(answer_id: str) -> KeptAnswer | None:
    """Return an answer file that was read, or None. One read."""
    kept = ANSWERS.find(keys.bank_answer(answer_id))
    return _opened(kept) if kept else None


def keep_answer(kept: KeptAnswer | None, answer: BankAnswer) -> Put:
    """Describe an answer; the first version is created."""
    told = [(one.became, one.reason) for one in answer.told]
    filed = FiledAnswer(
        answer_id=answer.answer_id,
        asked=answer.asked,
        by=answer.by,
        at=answer.at,
        lines=_packed(answer.lines),
        done=answer.done,
        told=_packed(told) if told else (),
        same_as=answer.same_as,
    )
    if kept is None:
        return ANSWERS.create(keys.bank_answer(answer.answer_id), filed)
    return ANSWERS.replace(kept.row, filed)


def answer_as_kept(put: Put) -> KeptAnswer:
    """Return an answer that was just written, to write it again."""
    return _opened(ANSWERS.kept(put.row))


def _opened(kept: Kept[FiledAnswer]) -> KeptAnswer:
    filed = kept.value
    lines, told = filed.lines, filed.told
    if isinstance(lines, str):
        lines = msgspec.json.decode(_unpacked(lines), type=tuple[AnswerLine, ...])
    if isinstance(told, str):
        became = msgspec.json.decode(_unpacked(told), type=list[tuple[Became, str | None]])
        told = tuple(
            Told(line=line.line, end_to_end_id=line.end_to_end_id, became=what, reason=reason)
            for line, (what, reason) in zip(lines, became, strict=True)
        )
    answer = BankAnswer(
        answer_id=filed.answer_id,
        asked=filed.asked,
        by=filed.by,
        at=filed.at,
        lines=lines,
        done=filed.done,
        told=told,
        same_as=filed.same_as,
    )
    return KeptAnswer(kept, answer)


def _packed(lines: Any) -> str:
    return base64.b64encode(zlib.compress(msgspec.json.encode(lines), 6)).decode()


def _unpacked(packed: str) -> bytes:
    return zlib.decompress(base64.b64decode(packed))


def find_answer_of(digest: str) -> str | None:
    """Return the answer that brought a file of this digest, or None. One read."""
    kept = POINTERS.find(keys.answer_file(digest))
    return kept.value["answer_id"] if kept else None


def remember_file(digest: str, answer_id: str) -> Put:
    """Describe that an answer brought a file; one does."""
    return POINTERS.create(keys.answer_file(digest), {"answer_id": answer_id})


def find_run_of_file(message_id: str) -> Kept[PaymentRun] | None:
    """Return the run whose file a bank names, or None. Two reads."""
    kept = POINTERS.find(keys.payment_file(message_id))
    return find_run(kept.value["run_id"]) if kept else None


def name_files(run: PaymentRun) -> list[Put]:
    """Describe by which ids a bank may name a run's file."""
    return [
        POINTERS.create(keys.payment_file(name), {"run_id": run.run_id})
        for name in file_ids(run.run_id)
    ]


def find_case(case_id: str) -> Kept[Case] | None:
    """Return the one case of a payment or of an unknown id, or None. One read."""
    return CASES.find(keys.open_case(case_id))


def load_case(case_id: str) -> Kept[Case]:
    """Return a case. Raises Unknown. One read."""
    return CASES.load(keys.open_case(case_id))


def find_cases(case_ids: Sequence[str]) -> dict[str, Case]:
    """Return those cases that exist, by id; a call per hundred."""
    found = CASES.find_many([keys.open_case(case_id) for case_id in case_ids])
    return {kept.value.case_id: kept.value for kept in found.values()}


def keep_case(kept: Kept[Case] | None, case: Case) -> list[Put | Delete]:
    """Describe a case and where it is listed; there is one per payment or unknown id."""
    key = keys.open_case(case.case_id)
    put = CASES.create(key, case) if kept is None else CASES.replace(kept, case)
    before = _listed(kept.value) if kept else None
    after = _listed(case)
    writes: list[Put | Delete] = [put]
    if before == after:
        return writes
    # Above whatever was listed under that key before: a case may be opened, closed, opened again.
    version = 1 + (kept.version if kept else 0)
    writes.append(POINTERS.create(after, {"case_id": case.case_id}, version=version))
    if before is not None and kept is not None:
        writes.append(Delete(MoneyRow(*before, version=version)))
    return writes


def list_cases(area: str, state: str, *, after: str | None, limit: int) -> list[tuple[str, str]]:
    """Return where cases of an area stand in its list, and their ids, the oldest first."""
    partition = keys.area_cases(area, state, "", "")[0]
    found = POINTERS.each(partition, after=after, limit=limit)
    return [(kept.sk, kept.value["case_id"]) for kept in found]


def _listed(case: Case) -> tuple[str, str]:
    state = "open" if case.is_open else "closed"
    return keys.area_cases(case.area, state, case.opened_at, case.case_id)


# --- the clock ----------------------------------------------------------------------------------


class ClockRow(MoneyRow):
    """Where a site's month stood when it was looked at; looked at again, it is made again."""

    imaged = False


CLOCKS: Shelf[SiteClock] = Shelf(ClockRow, SiteClock)


def find_clock(programme: str, area: str, month: Month, site_id: str) -> Kept[SiteClock] | None:
    """Return where a site's month stood, or None. One read."""
    return CLOCKS.find(keys.site_clock(programme, area, month, site_id))


def keep_clock(kept: Kept[SiteClock] | None, clock: SiteClock) -> Put:
    """Describe where a site's month stands; of two that look at once, one looks again."""
    if kept is None:
        key = keys.site_clock(clock.programme, clock.area, Month.parse(clock.month), clock.site_id)
        return CLOCKS.create(key, clock)
    return CLOCKS.replace(kept, clock)


def list_clocks(programme: str, area: str, month: Month) -> list[SiteClock]:
    """Return where the sites of an area stand with a month, by id. A query per shard."""
    shards = keys.clock_shards(programme, area, month)
    return sorted((one for pk in shards for one in CLOCKS.values(pk)), key=lambda c: c.site_id)


# --- settings -----------------------------------------------------------------------------------


def treasury_of(programme: str, area: str) -> Treasury:
    """Return from which account a programme pays in an area. Raises TreasuryMissing.

    The entry of the programme in the area ("clubs-karaganda") comes before the area's own, which
    serves every programme that has none.
    """
    known = _treasuries()
    one = known.get(f"{programme}-{area}") or known.get(area)
    if one is None:
        raise TreasuryMissing(programme=programme, area=area)
    return Treasury(name=one["name"], bin=one["bin"], account=one["account"], bank=one["bank"])


def accounts_of(areas: Collection[str]) -> frozenset[str]:
    """Return the accounts from which programmes pay in these areas."""
    return frozenset(
        one["account"]
        for name, one in _treasuries().items()
        if any(name == area or name.endswith(f"-{area}") for area in areas)
    )


def _treasuries() -> dict[str, dict[str, str]]:
    given = os.environ.get("KEZEK_TREASURY")
    if given:
        return dict(json.loads(given))
    text = resources.files("chalicelib.payouts").joinpath("treasury.toml").read_text("utf-8")
    return tomllib.loads(text)
