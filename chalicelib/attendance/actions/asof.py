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
from chalicelib.attendance.rules import Line, MonthFacts, Record, Sheet, Stay
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


class Past:
    """A provider's month with all that was ever written of it, read once.

    Costs a query per voucher that ever led to the site, the tablets' uploads since the month
    began, and a query per sheet that was spoken of after the instant asked for: for replaying,
    never for billing. Raises Unknown.
    """

    def __init__(self, site_id: str, month: Month) -> None:
        self.site, self.month = providers.load_site(site_id).value, month
        self._now = store.list_sheets(site_id, month)
        self._closed_at = store.find_site_month(site_id, month).value.closed_at
        self._rosters, self._tables = timetables.load_site(site_id)
        streams = {f"voucher/{e.voucher_id}" for e in vouchers.list_enrolments(site_id)}
        streams |= {f"timetable/{group_id}" for group_id in self._tables}
        self._enrolled = [d for s in sorted(streams) for d in journal.dated_images_in(s)]
        self._marked: dict[str, list[Witness]] = {}
        for witness in witnesses(site_id, month):
            self._marked.setdefault(witness.child_id, []).append(witness)
        self._said: dict[str, list[tuple[str, Image]]] = {}

    def at(self, at: str, *, today: date, pack: Pack) -> AsOf:
        """Return the month as it was known at an instant.

        today: the local day of that instant; pack: the rules as they were known then.
        """
        site_id = self.site.site_id
        rosters, found = self._rosters_at(at)
        where = where_of(self.site, self.month, pack=pack, timetables=found)
        every = stays_in(rosters, self.month)
        sheets, unwitnessed, missing = self._sheets_at(at, [s.child_id for s in every])
        facts = facts_of(
            where,
            every,
            sheets,
            closed=self._closed_at is not None and self._closed_at <= at,
            doubts=store.load_doubts(site_id, upto=at),
            today=today,
        )
        return AsOf(facts=facts, unwitnessed=unwitnessed, missing=missing)

    def witnesses_of(self, child_id: str) -> list[Witness]:
        """Return the signed records of a child's month, as they were received."""
        return sorted(self._marked.get(child_id, ()), key=lambda w: (w.at, w.device_id, w.counter))

    def line_of(
        self,
        child_id: str,
        witness: Witness,
        lines: Sequence[Line],
        stays: Sequence[Stay],
        *,
        pack: Pack,
    ) -> str | None:
        """Return which line a record speaks for: its day's, or the lesson that it makes a visit of.

        None for a record that no line rests on, such as one on a day off where lessons count.
        """
        where = where_of(self.site, self.month, pack=pack, timetables=self._tables)
        if not where.by_lesson:
            key = witness.on.isoformat()
            return key if any(line.key == key for line in lines) else None
        alone = where.plan(stays).fold([witness.mark], upto=None, standing="open")
        known = {line.key for line in lines}
        spoken = [x.key for x in alone if "no-record" not in x.flags and x.key in known]
        return next((key for key in spoken if _on(key) == witness.on), None)

    def _rosters_at(self, at: str) -> tuple[list[Roster], dict[str, Timetable]]:
        site_id = self.site.site_id
        then, ever = _newest(self._enrolled, keys.roster(site_id, "")[0], at)
        # What was never journaled stands as it stands today.
        rosters = [r for r in self._rosters if keys.roster(site_id, r.group_id)[1] not in ever]
        tables = [t for g, t in self._tables.items() if keys.timetable(site_id, g)[1] not in ever]
        for sk, image in sorted(then.items()):
            if "#" in sk:
                table = journal.value_in(image, timetables.TIMETABLES)
                tables += [table] if table else []
            else:
                roster = journal.value_in(image, vouchers.ROSTERS)
                rosters += [roster] if roster else []
        return rosters, {table.group_id: table for table in tables}

    def _sheets_at(
        self, at: str, children: Iterable[str]
    ) -> tuple[dict[str, ChildSheet], int, tuple[str, ...]]:
        sheets: dict[str, ChildSheet] = {}
        unwitnessed, missing = 0, []
        for child_id in sorted({*children, *self._now, *self._marked}):
            held = self._now.get(child_id) or store.no_sheet(
                self.site.site_id, self.month, child_id
            )
            said = self._said_by(child_id, held, at)
            found = self._marked.get(child_id, [])
            seen = {w.mark for w in found}
            lost = (held.marks | held.late) - seen
            unwitnessed += len(lost)
            if lost:
                missing.append(child_id)
            # When a mark without its record came nobody knows: it counts as it counts today.
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

    def _said_by(self, child_id: str, held: ChildSheet, at: str) -> Sheet:
        """Return what was said of a sheet by an instant: today's where nobody spoke since."""
        said = held.said.value
        if held.said.version == 0 or (not said.confirmed and _last_word(said) <= at):
            return said
        site_id, month = self.site.site_id, self.month
        if child_id not in self._said:
            stream = f"sheet/{site_id}/{month}/{child_id}"
            self._said[child_id] = list(journal.dated_images_in(stream))
        pk, sk = keys.sheet_said(site_id, month, child_id)
        then, ever = _newest(self._said[child_id], pk, at)
        if sk in then:
            return journal.value_in(then[sk], store.SHEETS) or rules.EMPTY
        return rules.EMPTY if sk in ever else said


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


def _on(key: str) -> date:
    """Return the day of a line's name."""
    return date.fromisoformat(key[:8] if "T" in key else key)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKept:
    """A signed record as it is kept. refused: why it makes no mark, None where it does.

    child_id: "" where the record was refused, so that it speaks of nobody.
    """

    device_id: str
    counter: int
    site_id: str
    child_id: str
    on: date
    kind: str
    happened_at: str
    hash: str
    upload: int
    digest: str
    received_at: str
    refused: str | None
    flags: tuple[str, ...]


def find_record(device_id: str, counter: int) -> RecordKept | None:
    """Return a tablet's record by its counter; None where none is kept. Two queries.

    Of a fork the record that was taken comes first.
    """
    found: list[RecordKept] = []
    for upload in store.list_evidence(device_id, counter, counter):
        evidence = upload.value
        for line in upload.lines:
            record = rules.read_record(store.line_values(line))
            if not isinstance(record, Record) or record.counter != counter:
                continue
            refused = evidence.refused.get(record.hash)
            found.append(
                RecordKept(
                    device_id=device_id,
                    counter=counter,
                    site_id=evidence.site_id,
                    child_id="" if refused else evidence.members[record.enrolment],
                    on=record.on,
                    kind=record.kind,
                    happened_at=stamp(record.happened_at),
                    hash=record.hash,
                    upload=evidence.last,
                    digest=upload.digest,
                    received_at=evidence.received_at,
                    refused=refused,
                    flags=evidence.flags.get(str(counter), ()),
                )
            )
    return min(found, key=lambda r: (r.refused is not None, r.received_at), default=None)


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
