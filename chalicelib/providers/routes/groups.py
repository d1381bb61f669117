"""HTTP of groups."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from chalicelib.edge.routes import Call
from chalicelib.kernel.ids import BadId, GroupId, checked_id
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.rules import NoRuleInForce, UnknownActivity, UnknownHours, UnknownKind
from chalicelib.providers import actions, rules
from chalicelib.providers.routes.shapes import (
    Activity,
    Age,
    Code,
    GroupSeen,
    Hours,
    Id,
    Language,
    Name,
    Revision,
    Year,
    group_seen,
    routes,
)
from chalicelib.providers.rules import GroupAsked


class GroupBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A group: ages in completed years on 1 September, both included.

    kind, hours: a sort of the rules in force; for a club its direction and a lesson's minutes.
    activity: what is taught, where the programme names activities. sen: a small group for children
    with special educational needs.
    capacity counts from `from_on` (today); replaces: the revision that was read, for a change.
    """

    site_id: Id
    name: Name
    academic_year: Year
    age_from: Age
    age_to: Age
    language: Language
    kind: Code
    hours: Hours
    capacity: int
    from_on: date | None = None
    activity: Activity = ""
    sen: bool = False
    replaces: Revision | None = None


@routes.put(
    "/groups/{group_id}",
    action="providers/describe-group",
    asks=GroupBody,
    answers=GroupSeen,
    refuses=(
        BadId,
        Unknown,
        AnotherContent,
        rules.ChangedMeanwhile,
        rules.SiteFixed,
        rules.BadYear,
        rules.BadCapacity,
        rules.BadAges,
        rules.LengthFixed,
        rules.GroupFixed,
        rules.BelowHeld,
        rules.TooManyGroups,
        rules.OtherDirection,
        rules.BelowActivityAge,
        rules.AboveActivityAge,
        UnknownKind,
        UnknownHours,
        UnknownActivity,
        NoRuleInForce,
    ),
)
def put_group(call: Call[GroupBody], group_id: GroupId) -> GroupSeen:
    """Make a group of a site or change one; with children in it, only its name and capacity."""
    body = call.asked
    asked = GroupAsked(
        group_id=group_id,
        name=body.name,
        academic_year=body.academic_year,
        age_from=body.age_from,
        age_to=body.age_to,
        language=body.language,
        kind=body.kind,
        hours=body.hours,
        capacity=body.capacity,
        from_on=body.from_on,
        activity=body.activity,
        sen=body.sen,
    )
    site_id = checked_id(body.site_id, field="site_id")
    group = actions.put_group(
        asked, site_id=site_id, replaces=body.replaces, by=call.actor, now=call.now
    )
    return group_seen(group)
