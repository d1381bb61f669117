"""Claimants, statements, heads of provider-months, runs on demand."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from chalicelib.billing.rules.claimed import DAYS_END, Cap, Claim, RatePart
from chalicelib.billing.rules.statements import Cause, SiteMonth, StatedLine, Statement
from chalicelib.billing.rules.units import mask_of, numbers
from chalicelib.journal import store as journal
from chalicelib.journal.store import Image
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import Unavailable
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import MoneyRow
from chalicelib.storage.shelf import Kept, Shelf

HEAD = "HEAD"


class ClaimedElsewhere(Unavailable):
    """Another site wrote a claim on this child's month first; ours must join it."""

    code = "billing/claimed-elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimants:
    """All sites that claim days of one child's month."""

    child_id: str
    programme: str
    month: str
    claims: tuple[Claim, ...]

    def of(self, site_id: str) -> Claim:
        """Return one site's claim; an empty one where it has none."""
        return next((c for c in self.claims if c.site_id == site_id), Claim(site_id))

    def others(self, site_id: str) -> tuple[Claim, ...]:
        """Return the claims of other sites."""
        return tuple(c for c in self.claims if c.site_id != site_id)


@dataclass(frozen=True, slots=True)
class KeptClaimants:
    """The claims on a child's month, and the row they were read from."""

    row: Kept[FiledClaimants]
    value: Claimants

    @property
    def version(self) -> int:
        return self.row.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A statement as its row holds it: the lines packed, a tenth of their size."""

    number: int
    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    at: str
    cause: Cause
    movement_tiyn: int
    pack: str
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRun:
    """A month billed on demand."""

    run_id: str
    programme: str
    area: str
    month: str
    by: str
    at: str
    asked: str


# A mask as it is filed: a number where it is one of days; else its units, written with dots,
# because a mask of lessons makes a number of thousands of digits and a child has twelve lessons.
FiledMask = int | str


class FiledPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rate of a claim as its row holds it."""

    days: FiledMask
    rate_tiyn: int
    per_mille: tuple[int, ...]
    of: int
    cap_tiyn: int | None = None


class FiledClaim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A claim as its row holds it."""

    site_id: str
    claimed: dict[str, FiledMask]
    confirmed: FiledMask
    rates: tuple[FiledPart, ...]
    caps: dict[str, Cap]
    slots: int = 1
    long: dict[int, FiledMask] = {}
    used_tiyn: int = 0


class FiledClaimants(msgspec.Struct, frozen=True):
    """The claims on a child's month as their row holds them."""

    child_id: str
    programme: str
    month: str
    claims: tuple[FiledClaim, ...]


CLAIMANTS: Shelf[FiledClaimants] = Shelf(MoneyRow, FiledClaimants)
HEADS: Shelf[SiteMonth] = Shelf(MoneyRow, SiteMonth)
FILED: Shelf[Filed] = Shelf(MoneyRow, Filed)
RUNS: Shelf[BillingRun] = Shelf(MoneyRow, BillingRun)


# --- statements and their head ------------------------------------------------------------------


def load_site_month(site_id: str, month: Month) -> tuple[Kept[SiteMonth] | None, list[Statement]]:
    """Return a provider-month's head (None before its first billing) and statements. One query."""
    head: Kept[SiteMonth] | None = None
    statements: list[Statement] = []
    partition, sort = keys.site_month_head(site_id, month)
    for row in MoneyRow.query(partition, consistent_read=True):
        if row.sk == sort:
            head = HEADS.kept(row)
        else:
            statements.append(_opened(FILED.kept(row).value))
    return head, statements


def find_heads(month: Month, site_ids: Iterable[str]) -> dict[str, Kept[SiteMonth]]:
    """Return the heads that exist, by site; a call per hundred."""
    wanted = [keys.site_month_head(site_id, month) for site_id in site_ids]
    return {kept.value.site_id: kept for kept in HEADS.find_many(wanted).values()}


def keep_head(kept: Kept[SiteMonth] | None, head: SiteMonth) -> Put:
    """Describe a head's next version; the first is created."""
    if kept is None:
        return HEADS.create(keys.site_month_head(head.site_id, Month.parse(head.month)), head)
    return HEADS.replace(kept, head)


def as_kept(put: Put) -> Kept[SiteMonth]:
    """Return a head that was just written, to write it again."""
    return HEADS.kept(put.row)


def post(statement: Statement) -> Put:
    """Describe a new statement; its number can be taken once."""
    packed = zlib.compress(lines_of(statement), 6)
    filed = Filed(
        number=statement.number,
        site_id=statement.site_id,
        organisation_id=statement.organisation_id,
        programme=statement.programme,
        area=statement.area,
        month=statement.month,
        at=statement.at,
        cause=statement.cause,
        movement_tiyn=statement.movement_tiyn,
        pack=statement.pack,
        lines=base64.b64encode(packed).decode(),
    )
    month = Month.parse(statement.month)
    return FILED.create(keys.statement(statement.site_id, month, statement.number), filed)


def lines_of(statement: Statement) -> bytes:
    """Return a statement's lines as they are filed: the same bytes for the same lines."""
    return msgspec.json.encode([_line(stated) for stated in statement.lines])


def bytes_of(statement: Statement) -> bytes:
    """Return a whole statement as bytes, by which two are compared."""
    head = msgspec.to_builtins(replace(statement, lines=()))
    return msgspec.json.encode(head) + b"\n" + lines_of(statement)


# What a line does not have it does not say, so that older ones stay what they were, to the byte.
_LINE_MAY_LACK = ("parts", "rates", "parents_tiyn", "fees")
_STATED_MAY_LACK = ("because", "parents_before_tiyn")


def _line(stated: StatedLine) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(stated)
    for name in _LINE_MAY_LACK:
        if not said["line"][name]:
            del said["line"][name]
    for name in _STATED_MAY_LACK:
        if not said[name]:
            del said[name]
    return said


def _opened(filed: Filed) -> Statement:
    packed = zlib.decompress(base64.b64decode(filed.lines))
    return Statement(
        number=filed.number,
        site_id=filed.site_id,
        organisation_id=filed.organisation_id,
        programme=filed.programme,
        area=filed.area,
        month=filed.month,
        at=filed.at,
        cause=filed.cause,
        movement_tiyn=filed.movement_tiyn,
        pack=filed.pack,
        lines=msgspec.json.decode(packed, type=tuple[StatedLine, ...]),
    )


# --- claimants ----------------------------------------------------------------------------------


def open_claimants(claimants: Claimants) -> Put:
    """Describe a child-month's first claim; ClaimedElsewhere if another site was faster."""
    key = keys.claimants(claimants.child_id, claimants.programme, Month.parse(claimants.month))
    return CLAIMANTS.create(key, _filed(claimants), otherwise=ClaimedElsewhere())


def find_claimants(
    child_ids: Sequence[str], programme: str, month: Month
) -> dict[str, KeptClaimants]:
    """Return the claimants rows that exist, by child; a call per hundred."""
    wanted = [keys.claimants(child_id, programme, month) for child_id in child_ids]
    found = CLAIMANTS.find_many(wanted).values()
    return {kept.value.child_id: KeptClaimants(kept, _read(kept.value)) for kept in found}


def join_claimants(kept: KeptClaimants, claim: Claim) -> Put:
    """Describe the row with one site's claim replaced."""
    others = kept.value.others(claim.site_id)
    claims = tuple(sorted((*others, claim), key=lambda c: c.site_id))
    return CLAIMANTS.replace(kept.row, _filed(replace(kept.value, claims=claims)))


def list_earlier_claims(child_id: str, programme: str, month: Month) -> list[tuple[Claim, ...]]:
    """Return the claims of a child's earlier months of the same year. One query."""
    partition = keys.claimants(child_id, programme, month)[0]
    return [
        _read(kept.value).claims
        for kept in CLAIMANTS.each(partition, begins=f"{month.year:04d}-")
        if kept.sk < str(month)
    ]


def claimants_in(image: Image) -> Claimants | None:
    """Return the claims on a child's month as a journal's image says; None for a removed row."""
    filed = journal.value_in(image, CLAIMANTS)
    return None if filed is None else _read(filed)


def claimants_of(body: str) -> Claimants:
    """Return the claims that a row's body says; for those who read an export of the rows."""
    return _read(msgspec.json.decode(body, type=FiledClaimants))


def _filed(claimants: Claimants) -> FiledClaimants:
    return FiledClaimants(
        claimants.child_id,
        claimants.programme,
        claimants.month,
        tuple(
            FiledClaim(
                claim.site_id,
                {code: _mask(units) for code, units in claim.claimed.items()},
                _mask(claim.confirmed),
                tuple(
                    FiledPart(_mask(p.units), p.rate_tiyn, p.per_mille, p.of, p.cap_tiyn)
                    for p in claim.rates
                ),
                claim.caps,
                claim.slots,
                {touched: _mask(units) for touched, units in claim.long.items()},
                claim.used_tiyn,
            )
            for claim in claimants.claims
        ),
    )


def _read(filed: FiledClaimants) -> Claimants:
    return Claimants(
        child_id=filed.child_id,
        programme=filed.programme,
        month=filed.month,
        claims=tuple(
            Claim(
                claim.site_id,
                {code: _units(mask) for code, mask in claim.claimed.items()},
                _units(claim.confirmed),
                tuple(
                    RatePart(_units(p.days), p.rate_tiyn, p.per_mille, p.of, p.cap_tiyn)
                    for p in claim.rates
                ),
                claim.caps,
                claim.slots,
                {touched: _units(mask) for touched, mask in claim.long.items()},
                claim.used_tiyn,
            )
            for claim in filed.claims
        ),
    )


def _mask(units: int) -> FiledMask:
    return units if units < DAYS_END else ".".join(str(number) for number in numbers(units))


def _units(mask: FiledMask) -> int:
    if isinstance(mask, int):
        return mask
    units = 0
    for number in mask.split("."):
        units |= mask_of(int(number))
    return units


# --- runs and budgets ---------------------------------------------------------------------------


def find_run(run_id: str) -> Kept[BillingRun] | None:
    """Return a run on demand, or None."""
    return RUNS.find(keys.billing_run(run_id))


def open_run(run: BillingRun) -> Put:
    """Describe a new run; its id can be taken once."""
    return RUNS.create(keys.billing_run(run.run_id), run)
