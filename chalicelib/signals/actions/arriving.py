"""Uploads as they arrive: the journal's stream brings them after the tablet had its answer.

    1  in the stream      what a batch brings of a tablet is judged by every pack: no call at all
    2  on the work queue  what any pack may find odd is read, with the records shortly before it,
                          and judged by the rules of its own site

So an honest upload costs nothing here, and no upload waits for it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from chalicelib.attendance import rules as attendance
from chalicelib.attendance import store as evidence
from chalicelib.attendance.rules import Record, health
from chalicelib.attendance.store import KeptEvidence
from chalicelib.kernel.actors import Actor
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import NoRuleInForce, Pack
from chalicelib.providers import store as providers
from chalicelib.signals import rules
from chalicelib.signals.actions.raising import raise_signals
from chalicelib.signals.rules import Seen, Signal, Terms, Upload, Where
from chalicelib.vouchers import store as vouchers

ARRIVED = "signals/arrived"
ROUND_THE_CLOCK = "24"
# A tablet rarely makes more records in a day.
DAY_OF_RECORDS = 400


def read_upload(image: Mapping[str, Any]) -> Upload | None:
    """Return an upload as the stream shows it; None for journal rows that are no uploads."""
    found = evidence.evidence_of_image(image)
    return None if found is None else _upload(found[1])


def odd_uploads(uploads: Iterable[Upload]) -> list[dict[str, Any]]:
    """Return what names those of some uploads that a pack may find odd, by tablet. Reads nothing.

    The pack of a tablet's site is not known here, so each pack is asked.
    """
    of_device: dict[str, list[Upload]] = {}
    for upload in uploads:
        if upload.seen:
            of_device.setdefault(upload.device_id, []).append(upload)
    return [
        {
            "device_id": device_id,
            "first": min(one.seen[0].counter for one in together),
            "last": max(one.seen[-1].counter for one in together),
        }
        for device_id, together in of_device.items()
        if any(
            rules.worth_a_look(together, functools.partial(terms, pack)) for pack in list_packs()
        )
    ]


def judge_uploads(
    device_id: str, first: int, last: int, *, by: Actor, now: datetime
) -> list[Signal]:
    """Raise what is odd in a tablet's records, by the rules of its site; return what changed.

    With them those shortly before are read, for a tablet may send each by itself. Five reads, and
    two queries by the size of a day's evidence. Nothing, where the records are gone.
    """
    kept = evidence.list_evidence(device_id, max(1, first - DAY_OF_RECORDS), last)
    found = providers.find_site(kept[-1].value.site_id) if kept else None
    if found is None:
        return []
    site = found.value
    pack = load_pack(site.programme, site.area)
    day_and_night = {
        member.enrolment_id
        for roster in vouchers.load_rosters(site.site_id)
        for member in roster.members
        if member.sort is not None and member.sort.split("/")[1] == ROUND_THE_CLOCK
    }
    findings = rules.findings_of_uploads(
        [_upload(one) for one in kept],
        functools.partial(terms, pack),
        round_the_clock=day_and_night,
    )
    where = Where(
        programme=site.programme,
        area=site.area,
        direction=site.direction,
        site_id=site.site_id,
        organisation_id=site.organisation_id,
        pack=pack.version,
    )
    return raise_signals(findings, where, by=by, now=now)


@functools.lru_cache(maxsize=1024)
def terms(pack: Pack, on: date) -> Terms | None:
    """Return what a pack judges a day's records by, None where it raises no signals."""
    try:
        in_force = pack.at(on)
    except NoRuleInForce:
        return None
    if in_force.signals is None:
        return None
    return Terms(
        rule=in_force.signals,
        hours=in_force.attendance,
        calendar=pack.calendar,
        by_day=in_force.programme.unit == "day",
    )


def _upload(kept: KeptEvidence) -> Upload:
    value = kept.value
    seen: list[Seen] = []
    for line in kept.lines:
        record = attendance.read_record(evidence.line_values(line))
        if not isinstance(record, Record) or record.hash in value.refused:
            continue
        seen.append(
            Seen(
                counter=record.counter,
                child_id=value.members[record.enrolment],
                enrolment_id=record.enrolment,
                kind=record.kind,
                happened_at=record.happened_at,
                on=record.on,
                guessed=record.guessed,
                place=health.place_of(record),
            )
        )
    return Upload(
        device_id=value.device_id,
        seen=tuple(seen),
        place_before=health.read_place(value.place_before),
        skew_s=value.skew_s,
        skew_before_s=value.skew_before_s,
    )
