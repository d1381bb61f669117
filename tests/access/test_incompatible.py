"""No one person has both hands: as roles of one token, and with one object under two tokens."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.access import actions as access
from chalicelib.edge import openapi
from chalicelib.edge.routes import operations
from chalicelib.kernel.actors import Actor, Role
from infra.local.testing import TestCloud

_TABLE = access.table()
_PAIRS = sorted({tuple(sorted(pair)) for one in _TABLE.apart.values() for pair in one.roles})


def test_the_pairs_are_those_of_the_domain() -> None:
    assert _PAIRS == [
        ("commission", "department"),
        ("commission", "finance"),
        ("commission", "head"),
        ("department", "finance"),
        ("department", "head"),
        ("finance", "head"),
    ]


@pytest.mark.parametrize("pair", _PAIRS, ids="+".join)
def test_a_token_never_carries_both(cloud: TestCloud, pair: tuple[str, str]) -> None:
    claims = {"areas": ["*"], "organisations": ["org-balapan"], "directions": ["*"]}
    both = cloud.token([*pair, "auditor"], "somebody", **claims)

    said = cloud.get("/v1/payouts/claims", query={"month": "2026-10"}, token=both)

    assert (said.status, said.code) == (403, "kezek/incompatible-roles")
    assert said.json["roles"] == list(pair)
    for role in pair:
        alone = cloud.token([role, "auditor"], "somebody", **claims)
        said = cloud.get("/v1/payouts/claims", query={"month": "2026-10"}, token=alone)
        assert said.status == 200, said.text


def test_what_needs_no_role_asks_for_none(cloud: TestCloud) -> None:
    both = cloud.token(["department", "finance"], "somebody", areas=["*"])

    assert cloud.get("/v1/policy/packs", token=both).status == 200


@pytest.mark.parametrize(
    "pair",
    list(itertools.combinations([r for r in Role if r not in (Role.PUBLIC, Role.SYSTEM)], 2)),
)
def test_every_other_two_roles_may_be_one_persons(pair: tuple[Role, Role]) -> None:
    actor = Actor("somebody", frozenset(pair))
    actions = [row.action for row in _TABLE.rows.values() if row.roles & set(pair)]

    refused = set()
    for action in actions:
        try:
            access.check(action, actor)
        except access.IncompatibleRoles as refusal:
            refused.add(tuple(refusal.facts["roles"]))

    assert refused <= {tuple(sorted(pair))}
    assert bool(refused) is (tuple(sorted(pair)) in _PAIRS)


@pytest.mark.parametrize("name", sorted(_TABLE.apart))
def test_each_pair_is_kept_apart_by_roles_or_by_a_refusal_its_operations_know(name: str) -> None:
    hands = _TABLE.apart[name]
    assert hands.roles or hands.says, "nothing keeps these hands apart"
    if hands.says is None:
        return
    for operation in operations():
        if operation.action in hands.other:
            codes = {r.code for rs in openapi.refusals_of(operation).values() for r in rs}
            assert hands.says in codes, operation.path
