"""Take in what tablets send, so that what was acknowledged is stored, whatever breaks when.

The order of an upload, and what a crash after each step leaves behind:

    1  verify form and signatures in memory      nothing
    2  one update of the tablet's row: not       the head may have moved on past records that were
       revoked, units left, head moved on        never stored; a head is only a hint of what to
                                                 look up, what is stored is read from evidence
    3  the rosters and timetables, one query     the same
    4  the evidence, one item, put once          stored, not acknowledged: the tablet sends again,
                                                 the same records are the same item
    5  the marks, one update per child-month     some marks missing: the tablet sends again, or
                                                 `rebuild_marks` folds the evidence
    6  flags, where something is wrong           the same flags again
    7  the answer                                acknowledged, therefore stored

An upload that begins after the head was never seen, so nothing is looked up: one update, one query
and one put besides the marks. An upload that reaches behind the head is compared with evidence:
the same upload again gets the stored answer; others cost two queries more. Two machines that send
different records under one counter at the very same time may both be taken; `rebuild_marks` reads
all evidence and flags the fork then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from chalicelib.access import actions as access
from chalicelib.attendance import rules, store
from chalicelib.attendance.actions.devices import Named
from chalicelib.attendance.rules import Chain, DeviceState, Gap, Link, Record, Unread, health
from chalicelib.attendance.store import DeviceFlag, Evidence, EvidenceTaken, KeptEvidence
from chalicelib.children import store as children
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import DateRange, Month, local_day, stamp
from chalicelib.lessons import store as timetables
from chalicelib.lessons.rules import Lesson, Timetable, lessons_in
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import NoRuleInForce, Pack, Rules
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Member

OutcomeKind = Literal["accepted", "had", "refused"]
SAME_SECOND = "same-second"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record. code: why it was refused.

    flags: gap, clone, late; same-second for many marked at once; holiday beside a refusal.
    """

    counter: int | None
    outcome: OutcomeKind
    code: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a tablet's chain that was received."""

    counter: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer to an upload: an outcome for each record in the order they were sent.

    first_gap: counters that are missing before this upload, the first such stretch.
    """

    outcomes: list[Outcome]
    head: Head
    first_gap: Gap | None
    received_at: str


def receive(
    sent: Sequence[object], *, by: Actor, now: datetime, sent_at: datetime | None = None
) -> Receipt:
    """Take in up to 500 records of one tablet and answer for each.

    sent_at: the tablet's clock as it sent them. Raises UploadTooLarge, NotPaired, DeviceRevoked,
    TooManyUploads, StoreSilent.
    """
    read = _verified([rules.read_record(raw) for raw in sent], by)
    records = list({r.hash: r for r in read if isinstance(r, Record)}.values())
    rules.check_span(records)
    records.sort(key=lambda record: (record.counter, record.hash))
    top = (records[-1].counter, records[-1].hash) if records else None

    vitals = health.vitals_of(records, sent_at=sent_at, now=now)

    state = store.touch_device(by.subject, records=len(sent), top=top, now=now, vitals=vitals)
    access.demand(by, device=state.device_id == by.subject)

    if top is None:
        head = Head(state.head_counter, state.head_hash)
        return Receipt(
            outcomes=_outcomes(read, {}), head=head, first_gap=None, received_at=stamp(now)
        )
    taken = _take(records, state, vitals, now=now)
    late = _mark(state.site_id, taken)
    _flag(taken.evidence, _apart(records, state))
    evidence = taken.evidence
    return Receipt(
        outcomes=_outcomes(read, _judged(records, taken, late)),
        head=Head(evidence.head_counter, evidence.head_hash),
        first_gap=evidence.gaps[0] if evidence.gaps else None,
        received_at=evidence.received_at,
    )


def roster_of(*, by: Actor, now: datetime) -> list[Named]:
    """Return who may be marked today at the tablet's site. Raises NotPaired, DeviceRevoked."""
    state = store.find_state(by.subject)
    if state is None:
        raise rules.NotPaired()
    if state.revoked:
        raise rules.DeviceRevoked()
    access.demand(by, device=state.device_id == by.subject)
    today = local_day(now)
    members = [
        (member, roster.group_id)
        for roster in vouchers.load_rosters(state.site_id)
        for member in roster.members
        if today in DateRange(member.starts_on, member.ends_on)
    ]
    names = children.children_fields([member.child_id for member, _ in members])
    access.looked((member.child_id for member, _ in members), ("names",))
    named = [
        Named(
            enrolment_id=member.enrolment_id,
            group_id=group_id,
            name=_short(names.get(member.child_id, {})),
        )
        for member, group_id in members
    ]
    return sorted(named, key=lambda entry: (entry.group_id, entry.name, entry.enrolment_id))


# --- steps --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Marked:
    """A record that makes a mark. odd: made with many others in one second."""

    enrolment_id: str
    child_id: str
    record: Record
    odd: bool


@dataclass(frozen=True, slots=True)
class _Taken:
    """An upload as stored, and the records whose marks must be there before the answer."""

    evidence: Evidence
    marked: tuple[_Marked, ...]


def _verified(read: Sequence[Record | Unread], by: Actor) -> list[Record | Unread]:
    """Return the records that this tablet really signed; the others with their codes."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(by.key or b"")
    judged: list[Record | Unread] = []
    for record in read:
        if isinstance(record, Unread):
            judged.append(record)
            continue
        if record.kid != by.subject:
            judged.append(Unread(record.counter, "another-device"))
            continue
        try:
            key.verify(record.signature, record.signed)
        except InvalidSignature:
            judged.append(Unread(record.counter, "bad-signature"))
            continue
        judged.append(record)
    return judged


def _take(
    records: Sequence[Record], state: DeviceState, vitals: health.Vitals, *, now: datetime
) -> _Taken:
    """Store an upload, or find it stored."""
    digest = rules.upload_digest(records)
    first, last = records[0].counter, records[-1].counter
    earlier: list[KeptEvidence] = []
    if first > state.head_counter:
        known = {state.head_counter: Link(state.head_hash)} if state.head_counter else {}
    else:
        same = store.find_evidence(state.device_id, last, digest)
        if same is not None:
            return _again(same, records, ())
        earlier = store.list_evidence(state.device_id, first, last)
        known = _known(earlier)
    chain = rules.judge_chain(records, known)
    new = [record for record in records if record.hash not in chain.had]
    desk = _desk(state)
    members = desk.members
    refused = _refused(new, chain, desk, now=now)
    crowd = desk.crowd([record for record in new if record.hash not in refused])
    ahead = last > state.head_counter
    head = (last, records[-1].hash) if ahead else (state.head_counter, state.head_hash)
    evidence = Evidence(
        device_id=state.device_id,
        site_id=state.site_id,
        received_at=stamp(now),
        first=first,
        last=last,
        members={
            record.enrolment: members[record.enrolment][1].child_id
            for record in new
            if record.hash not in refused
        },
        refused=refused,
        had=tuple(record.counter for record in records if record.hash in chain.had),
        flags=_flags(new, chain, refused, crowd, desk),
        gaps=chain.gaps,
        head_counter=head[0],
        head_hash=head[1],
        # A signal is judged by the upload alone; only what goes on from the head has a before.
        place_before=state.place if ahead and vitals.place is not None else None,
        skew_s=vitals.skew_s if ahead and state.skew_s is not None else None,
        skew_before_s=state.skew_s if ahead and vitals.skew_s is not None else None,
    )
    if new:
        try:
            store.put_evidence(evidence, digest, new)
        except EvidenceTaken:
            same = store.find_evidence(state.device_id, last, digest)
            if same is not None:
                return _again(same, records, earlier)
            raise
    return _Taken(evidence, (*_marked(evidence, new), *_marked_before(earlier, chain.had)))


def _again(
    same: KeptEvidence, records: Sequence[Record], earlier: Sequence[KeptEvidence]
) -> _Taken:
    """Return an upload that is stored already; its marks are set again, which changes nothing."""
    had = {r.hash for r in records if r.counter in same.value.had}
    if had and not earlier:
        value = same.value
        earlier = store.list_evidence(value.device_id, value.first, value.last)
    new = [record for record in records if record.hash not in had]
    return _Taken(same.value, (*_marked(same.value, new), *_marked_before(earlier, had)))


def _known(earlier: Iterable[KeptEvidence]) -> dict[int, Link]:
    """Return the chain as evidence has it; of a fork the record that was taken."""
    known: dict[int, Link] = {}
    for kept in earlier:
        known.update(kept.links)
        for record in _records(kept):
            if kept.value.refused.get(record.hash) != "fork":
                known[record.counter] = Link(record.hash, record.prev)
    return known


def _records(kept: KeptEvidence) -> Iterable[Record]:
    for line in kept.lines:
        record = rules.read_record(store.line_values(line))
        if isinstance(record, Record):
            yield record


@dataclass(slots=True)
class _Desk:
    """What records are judged by: the pack, who is enrolled, and when groups meet.

    members: enrolment → its group and the child's days there.
    """

    pack: Pack
    members: Mapping[str, tuple[str, Member]]
    timetables: Mapping[str, Timetable]
    rules_on: dict[date, Rules | None]
    months: dict[tuple[str, Month], tuple[Lesson, ...]]

    def at(self, on: date) -> Rules | None:
        """Return the rules of a day, None where nothing is in force."""
        if on not in self.rules_on:
            try:
                self.rules_on[on] = self.pack.at(on)
            except NoRuleInForce:
                self.rules_on[on] = None
        return self.rules_on[on]

    def visit(self, record: Record) -> tuple[rules.Code | None, str | None]:
        """Return why an enrolled child's record is refused, and the lesson it is of.

        A day has no hours: there every record of it is welcome.
        """
        in_force = self.at(record.on)
        if in_force is None or in_force.programme.unit != "lesson":
            return None, None
        group_id, _ = self.members[record.enrolment]
        month = Month.of(record.on)
        if (group_id, month) not in self.months:
            timetable = self.timetables.get(group_id)
            self.months[group_id, month] = (
                () if timetable is None else lessons_in(timetable, month, self.pack.calendar)
            )
        lessons = self.months[group_id, month]
        return rules.judge_visit(record, lessons, early=in_force.attendance.early_minutes)

    def crowd(self, accepted: Iterable[Record]) -> frozenset[str]:
        """Return the hashes of arrivals that many children of a lesson share a second with."""
        arrivals: dict[int, list[tuple[str, str, datetime, str]]] = {}
        for record in accepted:
            in_force = self.at(record.on)
            if record.kind != "in" or record.guessed or in_force is None:
                continue
            most = in_force.attendance.same_second_max
            if most:
                group_id, _ = self.members[record.enrolment]
                _, lesson = self.visit(record)
                of = f"{group_id}#{lesson or record.on.isoformat()}"
                arrivals.setdefault(most, []).append(
                    (of, record.enrolment, record.happened_at, record.hash)
                )
        return frozenset().union(*(rules.crowded(a, most=most) for most, a in arrivals.items()))


def _desk(state: DeviceState) -> _Desk:
    """Return what a site's records are judged by. One query."""
    rosters, found = timetables.load_site(state.site_id)
    members = {
        member.enrolment_id: (roster.group_id, member)
        for roster in rosters
        for member in roster.members
    }
    return _Desk(load_pack(state.programme, state.area), members, found, {}, {})


def _refused(new: Sequence[Record], chain: Chain, desk: _Desk, *, now: datetime) -> dict[str, str]:
    """Return hash → code of the records that make no mark."""
    refused: dict[str, str] = {}
    for record in new:
        if record.hash in chain.forks:
            refused[record.hash] = "fork"
            continue
        in_force = desk.at(record.on)
        _, member = desk.members.get(record.enrolment, (None, None))
        code = rules.judge_record(
            record,
            enrolled=DateRange(member.starts_on, member.ends_on) if member else None,
            rule=in_force.attendance if in_force else None,
            now=now,
        )
        if code is None:
            code, _ = desk.visit(record)
        if code is not None:
            refused[record.hash] = code
    return refused


def _flags(
    new: Iterable[Record],
    chain: Chain,
    refused: Mapping[str, str],
    crowd: frozenset[str],
    desk: _Desk,
) -> dict[str, tuple[str, ...]]:
    """Return counter, as text → what is odd about its record."""
    flags: dict[str, tuple[str, ...]] = {str(c): found for c, found in chain.flags.items()}
    for record in new:
        found = flags.get(str(record.counter), ())
        if record.hash in crowd:
            flags[str(record.counter)] = (*found, SAME_SECOND)
        elif refused.get(record.hash) == "outside-timetable" and desk.pack.calendar.is_holiday(
            record.on
        ):
            flags[str(record.counter)] = (*found, "holiday")
    return flags


def _marked(evidence: Evidence, new: Iterable[Record]) -> list[_Marked]:
    return [
        _Marked(
            record.enrolment,
            evidence.members[record.enrolment],
            record,
            SAME_SECOND in evidence.flags.get(str(record.counter), ()),
        )
        for record in new
        if record.hash not in evidence.refused
    ]


def _marked_before(earlier: Iterable[KeptEvidence], had: Iterable[str]) -> list[_Marked]:
    """Return records of earlier uploads that came again: their marks may be missing still."""
    wanted = set(had)
    if not wanted:
        return []
    return [
        entry
        for kept in earlier
        for entry in _marked(kept.value, _records(kept))
        if entry.record.hash in wanted
    ]


def _mark(site_id: str, taken: _Taken) -> set[str]:
    """Set all marks, one update per child-month; return the hashes of records that are late."""
    of_child: dict[tuple[str, Month], list[_Marked]] = {}
    for entry in taken.marked:
        key = (entry.child_id, Month.of(entry.record.on))
        of_child.setdefault(key, []).append(entry)
    late: set[str] = set()
    # In order of child, so that two uploads for one group never wait for each other in a ring.
    for (child_id, month), entries in sorted(of_child.items()):
        marks = {rules.mark_of(entry.record): entry for entry in entries}
        too_late = store.add_marks(
            site_id,
            month,
            child_id,
            marks,
            enrolment_id=entries[0].enrolment_id,
            odd=[mark for mark, entry in marks.items() if entry.odd],
        )
        late |= {marks[mark].record.hash for mark in too_late}
    return late


def _apart(records: Sequence[Record], state: DeviceState) -> tuple[int, ...]:
    """Return counters of records made too far from where the tablet was just before."""
    before = health.read_place(state.place) if records[0].counter > state.head_counter else None
    return health.in_two_places(records, before)


def _flag(evidence: Evidence, apart: Sequence[int]) -> None:
    """Write down gaps, forks, clones, crowds of one second, two places, for people to look at."""
    found = [_flag_of(evidence, "gap", first=gap.first, last=gap.last) for gap in evidence.gaps]
    forks = [code for code in evidence.refused.values() if code == "fork"]
    if forks:
        found.append(_flag_of(evidence, "fork", first=evidence.first, last=evidence.last))
    found += [
        _flag_of(evidence, "clone", first=int(counter), last=int(counter))
        for counter, flags in evidence.flags.items()
        if "clone" in flags
    ]
    crowd = [int(counter) for counter, flags in evidence.flags.items() if SAME_SECOND in flags]
    if crowd:
        found.append(_flag_of(evidence, SAME_SECOND, first=min(crowd), last=max(crowd)))
    found += [_flag_of(evidence, health.TWO_PLACES, first=c, last=c) for c in apart]
    if found:
        store.keep_flags(found, site_id=evidence.site_id)


def _flag_of(evidence: Evidence, kind: str, *, first: int, last: int) -> DeviceFlag:
    return DeviceFlag(
        device_id=evidence.device_id, kind=kind, first=first, last=last, at=evidence.received_at
    )


def _judged(records: Sequence[Record], taken: _Taken, late: set[str]) -> dict[str, Outcome]:
    """Return hash → outcome of the records that were taken."""
    evidence = taken.evidence
    had = set(evidence.had)
    outcomes: dict[str, Outcome] = {}
    for record in records:
        flags = evidence.flags.get(str(record.counter), ())
        if record.hash in late:
            flags = (*flags, "late")
        code = evidence.refused.get(record.hash)
        if code is not None:
            outcomes[record.hash] = Outcome(record.counter, "refused", code, flags)
        elif record.counter in had:
            outcomes[record.hash] = Outcome(record.counter, "had", None, flags)
        else:
            outcomes[record.hash] = Outcome(record.counter, "accepted", None, flags)
    return outcomes


def _outcomes(read: Sequence[Record | Unread], judged: Mapping[str, Outcome]) -> list[Outcome]:
    """Return an outcome for each record as sent; one sent twice was had the second time."""
    seen: set[str] = set()
    outcomes: list[Outcome] = []
    for record in read:
        if isinstance(record, Unread):
            outcomes.append(Outcome(record.counter, "refused", record.code))
            continue
        outcome = judged[record.hash]
        if record.hash in seen and outcome.outcome == "accepted":
            outcome = Outcome(outcome.counter, "had", None, outcome.flags)
        seen.add(record.hash)
        outcomes.append(outcome)
    return outcomes


def _short(fields: Mapping[str, str]) -> str:
    """Return a child's name as a tablet shows it: given name and the surname's first letter."""
    given, surname = fields.get("given_name", ""), fields.get("surname", "")
    return f"{given} {surname[:1]}." if surname else given
