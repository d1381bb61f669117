"""Fold the evidence again: repair marks that a crash left out, or make all of them anew."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.attendance import rules, store
from chalicelib.attendance.actions.intake import SAME_SECOND
from chalicelib.attendance.rules import Device, Gap, Link, Record
from chalicelib.attendance.store import DeviceFlag
from chalicelib.kernel.periods import Month


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild folded. gaps: stretches of counters missing in the tablets' chains."""

    uploads: int
    marks: int
    child_months: int
    gaps: int
    forks: int


@dataclass(frozen=True, slots=True)
class _Marked:
    received_at: str
    enrolment_id: str
    mark: int
    odd: bool


def rebuild_marks(site_id: str) -> Rebuilt:
    """Make every mark of a site stand as its evidence says; what stands already stays.

    A mark that was received after its timesheet was approved is late, as it was then. The tablets'
    states and flags are restored too. Safe to repeat, to interrupt, and while tablets upload.
    """
    uploads = gaps = forks = 0
    of_child: dict[tuple[str, Month], list[_Marked]] = {}
    for kept in store.list_devices(site_id):
        device = kept.value
        chain: dict[int, Link] = {}
        doubled: list[int] = []
        crowds: list[tuple[int, int]] = []
        for upload in store.each_evidence(device.device_id):
            uploads += 1
            crowd: list[int] = []
            # Records whose time is over: their links keep the chain, their marks stand.
            chain.update({n: link for n, link in upload.links.items() if n not in chain})
            for line in upload.lines:
                record = rules.read_record(store.line_values(line))
                if not isinstance(record, Record):
                    continue
                if upload.value.refused.get(record.hash) == "fork":
                    doubled.append(record.counter)
                    continue
                held = chain.setdefault(record.counter, Link(record.hash, record.prev))
                if held.hash != record.hash:
                    doubled.append(record.counter)
                if record.hash in upload.value.refused:
                    continue
                key = (upload.value.members[record.enrolment], Month.of(record.on))
                flags = upload.value.flags.get(str(record.counter), ())
                if SAME_SECOND in flags:
                    crowd.append(record.counter)
                of_child.setdefault(key, []).append(
                    _Marked(
                        upload.value.received_at,
                        record.enrolment,
                        rules.mark_of(record),
                        SAME_SECOND in flags,
                    )
                )
            if crowd:
                crowds.append((min(crowd), max(crowd)))
        found = _gaps(chain)
        gaps, forks = gaps + len(found), forks + len(doubled)
        _restore(device, chain, found, doubled, crowds)
    marks = sum(_fold(site_id, key, marked) for key, marked in sorted(of_child.items()))
    return Rebuilt(uploads, marks, len(of_child), gaps, forks)


def _fold(site_id: str, key: tuple[str, Month], marked: list[_Marked]) -> int:
    child_id, month = key
    approved_at = store.find_sheet(site_id, month, child_id).said.value.approved_at
    first = marked[0].enrolment_id
    in_time = {m.mark for m in marked if approved_at is None or m.received_at <= approved_at}
    late = {m.mark for m in marked} - in_time
    odd = {m.mark for m in marked if m.odd}
    if in_time:
        store.add_marks(site_id, month, child_id, in_time, enrolment_id=first, odd=in_time & odd)
    if approved_at is not None:
        store.restore_lock(site_id, month, child_id)
    if late:
        store.add_marks(site_id, month, child_id, late, enrolment_id=first, odd=late & odd)
    return len(in_time) + len(late)


def _restore(
    device: Device,
    chain: dict[int, Link],
    gaps: list[Gap],
    doubled: list[int],
    crowds: list[tuple[int, int]],
) -> None:
    last = max(chain, default=0)
    store.restore_state(device, head_counter=last, head_hash=chain[last].hash if last else "")
    flags = [("gap", gap.first, gap.last) for gap in gaps]
    flags += [("fork", counter, counter) for counter in sorted(set(doubled))]
    flags += [(SAME_SECOND, low, high) for low, high in crowds]
    store.keep_flags(
        (
            DeviceFlag(
                device_id=device.device_id, kind=kind, first=first, last=last_, at=device.paired_at
            )
            for kind, first, last_ in flags
        ),
        site_id=device.site_id,
    )


def _gaps(chain: dict[int, Link]) -> list[Gap]:
    found: list[Gap] = []
    before = 0
    for counter in sorted(chain):
        if counter > before + 1:
            found.append(Gap(before + 1, counter - 1))
        before = counter
    return found
