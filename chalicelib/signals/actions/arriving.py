"""Uploads as they arrive: the journal's stream brings them after the tablet had its answer.

    1  in the stream      each upload is judged by itself, by every pack's terms: no call at all
    2  on the work queue  one that any pack finds odd is read again, and judged by its own site's

So an honest upload costs nothing here, and no upload waits for it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
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


def odd_upload(image: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what names an upload that some pack finds odd, as the stream shows it; else None.

    None too for journal rows that are no uploads. Reads nothing.
    """
    found = evidence.evidence_of_image(image)
    if found is None:
        return None
    digest, kept = found
    upload = _upload(kept)
    if not any(rules.findings_of_upload(upload, functools.partial(terms, p)) for p in list_packs()):
        return None
    value = kept.value
    return {"device_id": value.device_id, "last": value.last, "digest": digest}


def judge_upload(
    device_id: str, last: int, digest: str, *, by: Actor, now: datetime
) -> list[Signal]:
    """Raise what is odd in a stored upload, by the rules of its site; return what changed.

    Five reads. Nothing, where the upload or its site is gone, or its records are.
    """
    kept = evidence.find_evidence(device_id, last, digest)
    if kept is None:
        return []
    found = providers.find_site(kept.value.site_id)
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
    findings = rules.findings_of_upload(
        _upload(kept), functools.partial(terms, pack), round_the_clock=day_and_night
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
