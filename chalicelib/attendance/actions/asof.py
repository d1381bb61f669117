"""A provider's month as it was known at an instant, from what was written down by then.

    who was enrolled     rosters and timetables: the journal's images of their rows
    what was marked      signed uploads, by the instant of their receipt
    what was said        the journal's images of the sheets
    what was doubted     the tablets, and the instants of their flags

Nothing here is guessed. Where a source is gone (raw records are kept for a year, an erased child
for less), what stands today takes its place, and the month says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from chalicelib.attendance import rules, store
from chalicelib.attendance.actions.intake import SAME_SECOND
from chalicelib.attendance.actions.lines import facts_of, stays_in, where_of
from chalicelib.attendance.rules import MonthFacts, Record, Sheet
from chalicelib.attendance.rules.health import FORKED
from chalicelib.attendance.store import ChildSheet
from chalicelib.journal import store as journal
from chalicelib.journal.store import Image
from chalicelib.kernel.periods import Month, stamp, start_of
from chalicelib.lessons import store as timetables
from chalicelib.lessons.rules import Timetable
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.storage import keys
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Roster

# Records of a month may be received a little before it by our clock, never more.
_EARLY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Witness:
    """A signed record of a child's month: the mark it makes, and where it is kept.

    digest: of the upload's records, under which the upload lies; at: when it was received.
    """

    child_id: str
    enrolment_id: str
    device_id: str
    counter: int
    on: date
    mark: int
    odd: bool
    hash: str
    upload: int
    digest: str
    at: str

    @property
    def ref(self) -> str:
        """Return the name of the upload: tablet, last counter, digest."""
        return f"{self.device_id}/{self.upload}/{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """A provider's month at an instant.

    unwitnessed: marks of today of which no signed record is kept; they count as known then.
    """

    facts: MonthFacts
    unwitnessed: int = 0
    missing: tuple[str, ...] = field(default=())


def witnesses(site_id: str, month: Month, *, since: str | None = None) -> Iterator[Witness]:
    """Yield the signed records that make a site's marks of a month, tablet by tablet.

    since: only those received at this instant or later. Refused records make no mark.
    """
    begins = since or stamp(start_of(month.first) - _EARLY)
    for kept in store.list_devices(site_id):
        for upload in store.each_evidence_since(kept.value.device_id, begins):
            evidence = upload.value
            if evidence.site_id != site_id:
                continue
            for line in upload.lines:
                record = rules.read_record(store.line_values(line))
                if (
                    not isinstance(record, Record)
                    or Month.of(record.on) != month
                    or record.hash in evidence.refused
                ):
                    continue
                yield Witness(
                    child_id=evidence.members[record.enrolment],
                    enrolment_id=record.enrolment,
                    device_id=evidence.device_id,
                    counter=record.counter,
                    on=record.on,
                    mark=rules.mark_of(record),
                    odd=SAME_SECOND in evidence.flags.get(str(record.counter), ()),
                    hash=record.hash,
                    upload=evidence.last,
                    digest=upload.digest,
                    at=evidence.received_at,
                )


def month_as_of(site_id: str, month: Month, at: str, *, today: date, pack: Pack) -> AsOf:
    """Return a provider's month as it was known at an instant. Raises Unknown.

    today: the local day of that instant; pack: the rules as they were known then. Costs a query
    per voucher that ever led to the site, and one per sheet that was spoken of since: for
    replaying, never for billing.
    """
    site = providers.load_site(site_id).value
    rosters, found = _rosters(site_id, at)
    where = where_of(site, month, pack=pack, timetables=found)
    every = stays_in(rosters, month)
    sheets, unwitnessed, missing = _sheets(site_id, month, at, [s.child_id for s in every])
    closed_at = store.find_site_month(site_id, month).value.closed_at
    facts = facts_of(
        where,
        every,
        sheets,
        closed=closed_at is not None and closed_at <= at,
        doubts=store.load_doubts(site_id, upto=at),
        today=today,
    )
    return AsOf(facts=facts, unwitnessed=unwitnessed, missing=missing)


# --- who was enrolled ---------------------------------------------------------------------------


def _rosters(site_id: str, at: str) -> tuple[list[Roster], dict[str, Timetable]]:
    streams = {f"voucher/{e.voucher_id}" for e in vouchers.list_enrolments(site_id)}
    now, now_found = timetables.load_site(site_id)
    streams |= {f"timetable/{group_id}" for group_id in now_found}
    pk = keys.roster(site_id, "")[0]
    then, ever = _newest((d for s in sorted(streams) for d in journal.dated_images_in(s)), pk, at)
    rosters = {keys.roster(site_id, r.group_id)[1]: r for r in now}
    tables = {keys.timetable(site_id, group)[1]: t for group, t in now_found.items()}
    kept_rosters = [r for sk, r in rosters.items() if sk not in ever]
    kept_tables = [t for sk, t in tables.items() if sk not in ever]
    for sk, image in sorted(then.items()):
        if "#" in sk:
            table = journal.value_in(image, timetables.TIMETABLES)
            kept_tables += [table] if table else []
        else:
            roster = journal.value_in(image, vouchers.ROSTERS)
            kept_rosters += [roster] if roster else []
    return kept_rosters, {table.group_id: table for table in kept_tables}


def _newest(
    dated: Iterable[tuple[str, Image]], pk: str, at: str
) -> tuple[dict[str, Image], set[str]]:
    """Return the newest image by then of each row of a partition, and the rows that have any."""
    then: dict[str, Image] = {}
    ever: set[str] = set()
    for written_at, image in dated:
        if image.pk != pk:
            continue
        ever.add(image.sk)
        held = then.get(image.sk)
        if written_at <= at and (held is None or held.version < image.version):
            then[image.sk] = image
    return then, ever


# --- what was marked and said -------------------------------------------------------------------


def _sheets(
    site_id: str, month: Month, at: str, children: Iterable[str]
) -> tuple[dict[str, ChildSheet], int, tuple[str, ...]]:
    now = store.list_sheets(site_id, month)
    marked: dict[str, list[Witness]] = {}
    for witness in witnesses(site_id, month):
        marked.setdefault(witness.child_id, []).append(witness)
    sheets: dict[str, ChildSheet] = {}
    unwitnessed, missing = 0, []
    for child_id in sorted({*children, *now, *marked}):
        held = now.get(child_id) or store.no_sheet(site_id, month, child_id)
        said = _said_by(site_id, month, child_id, held, at)
        found = marked.get(child_id, [])
        seen = {w.mark for w in found}
        lost = (held.marks | held.late) - seen
        unwitnessed += len(lost)
        if lost:
            missing.append(child_id)
        # Of a mark without its record nobody knows when it came: it counts as it counts today.
        approved_at = said.approved_at
        known = [w for w in found if w.at <= at]
        in_time = {w.mark for w in known if approved_at is None or w.at <= approved_at}
        in_time |= lost & held.marks
        late = ({w.mark for w in known} | (lost & held.late)) - in_time
        odd = {w.mark for w in known if w.odd} | (lost & held.odd)
        sheets[child_id] = ChildSheet(
            [str(n) for n in sorted(in_time)],
            [str(n) for n in sorted(late)],
            replace(held.said, value=said),
            [str(n) for n in sorted(odd & in_time)],
        )
    return sheets, unwitnessed, tuple(missing)


def _said_by(site_id: str, month: Month, child_id: str, held: ChildSheet, at: str) -> Sheet:
    """Return what was said of a sheet by an instant: today's where nobody spoke since."""
    said = held.said.value
    if held.said.version == 0 or (not said.confirmed and _last_word(said) <= at):
        return said
    pk, sk = keys.sheet_said(site_id, month, child_id)
    stream = f"sheet/{site_id}/{month}/{child_id}"
    then, ever = _newest(journal.dated_images_in(stream), pk, at)
    if sk in then:
        return journal.value_in(then[sk], store.SHEETS) or rules.EMPTY
    return rules.EMPTY if sk in ever else said


def _last_word(said: Sheet) -> str:
    words: Sequence[str | None] = (
        said.approved_at,
        *(one.at for one in said.proofs),
        *(one.at for one in said.disputes),
        *(one.at for one in said.decisions),
        *(one.at for one in said.holds),
        *(dispute.answered_at for dispute in said.disputes),
    )
    return max((word for word in words if word), default="")


# --- what happened to a child's month -----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetAct:
    """Something said of a child's month: the journal's entry and what it is about."""

    event: str
    ref: str
    at: str
    facts: Mapping[str, object]


def sheet_acts(
    site_id: str, month: Month, child_id: str, *, since: str, upto: str
) -> list[SheetAct]:
    """Return what was said of a child's month after one instant, up to another, in order."""
    stream = f"sheet/{site_id}/{month}/{child_id}"
    return acts_in(stream, since=since, upto=upto)


def acts_in(stream: str, *, since: str, upto: str) -> list[SheetAct]:
    """Return a stream's entries after one instant, up to another, in order."""
    return [
        SheetAct(
            event=entry.event, ref=f"{stream}#{entry.sequence}", at=entry.at, facts=entry.facts
        )
        for entry in journal.history(stream)
        if since < entry.at <= upto
    ]


def tablet_acts(site_id: str, *, since: str, upto: str) -> list[SheetAct]:
    """Return what was found out or decided about a site's tablets between two instants."""
    found: list[SheetAct] = []
    for kept in store.list_devices(site_id):
        device_id = kept.value.device_id
        found += [
            act
            for act in acts_in(f"device/{device_id}", since=since, upto=upto)
            if act.event in ("attendance/tablet-revoked", "attendance/tablet-cleared")
        ]
        found += [
            SheetAct(
                event=f"attendance/{flag.kind}",
                ref=f"{device_id}/{flag.first}",
                at=flag.at,
                facts={},
            )
            for flag in store.list_flags(device_id)
            if flag.kind in FORKED and since < flag.at <= upto
        ]
    return sorted(found, key=lambda one: (one.at, one.ref))
