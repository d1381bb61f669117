"""The rules, readable by everybody: which packs there are and what each says on a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec

from chalicelib.edge.routes import Call, Routes
from chalicelib.kernel.periods import local_day
from chalicelib.policy import actions
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, Pack

routes = Routes(__name__, "policy")

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z-]{1,39}$(?!\n)")]


class PackShown(msgspec.Struct, frozen=True):
    """A rule pack: whose it is, its version, the acts it rests on.

    sha256: of the canonical content of pack and calendar; the version has its first 12 digits.
    """

    id: str
    programme: str
    area: str
    version: str
    sha256: str
    valid_from: date
    valid_to: date | None
    acts: list[dict[str, Any]]


class Packs(msgspec.Struct, frozen=True):
    """All packs."""

    packs: list[PackShown]


class OnDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The day to judge by; today where none is given."""

    on: date | None = None


class RulesShown(msgspec.Struct, frozen=True):
    """Every row in force on a day, each with its source and its words in three languages."""

    pack: str
    on: date
    rules: dict[str, Any]


@routes.get("/packs", action="policy/read", answers=Packs)
def list_packs(call: Call[None]) -> Packs:
    """List the rule packs."""
    return Packs([_shown(pack) for pack in actions.list_packs()])


@routes.get(
    "/packs/{programme}/{area}",
    action="policy/read",
    query=OnDay,
    answers=RulesShown,
    refuses=(NoPack, NoRuleInForce),
)
def read_rules(call: Call[None], programme: str, area: str) -> RulesShown:
    """Read the rules in force on a day, with acts and plain words."""
    pack = actions.load_pack(programme, area)
    on = call.query.on or local_day(call.now)
    return RulesShown(pack.version, on, actions.rows_on(pack, on))


def _shown(pack: Pack) -> PackShown:
    acts = [msgspec.to_builtins(act) for act in pack.acts]
    return PackShown(
        id=pack.id,
        programme=pack.programme,
        area=pack.area,
        version=pack.version,
        sha256=pack.digest,
        valid_from=pack.valid_from,
        valid_to=pack.valid_to,
        acts=acts,
    )
