"""Who acts for whom: what every slice above asks before anything else."""

from __future__ import annotations

from datetime import date

from chalicelib.access import actions as access
from chalicelib.children import rules, store
from chalicelib.children.rules import (
    Child,
    Holdings,
    Person,
    Power,
)
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import NoPack, load_pack
from chalicelib.policy.rules import NoRuleInForce


def person_of(actor: Actor) -> Person:
    """Return the representative behind a sign-in. Raises RegisterFirst. Two reads."""
    alias = store.find_alias(actor.subject)
    if alias is None or alias.value.person_id is None:
        raise rules.RegisterFirst()
    return store.load_person(alias.value.person_id).value


def acting_for(child_id: str, actor: Actor, power: Power | None, on: date) -> Person:
    """Return the representative when they may act for a child on a day; power None: only see.

    Raises Unknown for another's child and for one that does not exist, alike; PowerMissing when
    the caller represents the child but not in this. Three reads.
    """
    alias = store.find_alias(actor.subject)
    person_id = alias.value.person_id if alias is not None else None
    relation = store.find_relation(child_id, person_id) if person_id is not None else None
    known = relation.value if relation is not None else None
    access.demand(actor, child=rules.decide_acting(known, power=power, on=on))
    return store.load_person(person_id or "").value


def check_acting(child_id: str, person_id: str, power: Power | None, on: date) -> None:
    """Raise Unknown or PowerMissing unless a person may act for a child on a day. One read."""
    relation = store.find_relation(child_id, person_id)
    if not rules.decide_acting(relation.value if relation else None, power=power, on=on):
        raise Unknown()


def representatives_of(child_id: str, on: date) -> tuple[str, ...]:
    """Return the ids of all who may act for a child on a day: whom notices go to. One query."""
    kept = store.list_relations(child_id)
    return tuple(k.value.person_id for k in kept if k.value.holds(on))


def children_of(person_id: str, on: date) -> tuple[str, ...]:
    """Return the ids of the children a person represents on a day."""
    ids = list(store.each_child_of(person_id))
    relations = store.find_relations(ids, person_id)
    return tuple(c for c in ids if c in relations and relations[c].holds(on))


def resolve(child_id: str) -> Child:
    """Return the child that answers for an id: the one it was merged into, if it was."""
    child = store.load_child(child_id).value
    while child.merged_into is not None:
        child = store.load_child(child.merged_into).value
    return child


def beside(holdings: Holdings, programme: str, area: str, on: date) -> frozenset[str]:
    """Return the programmes of what is held that something in this one may be held beside.

    Both packs must say so, each of its own area: the one that is applied to and the one of what is
    held. A pack that is silent, over or gone allows nothing. No reads.
    """
    own = _beside(programme, area, on)
    others = {(held.programme, held.area) for held in holdings.held if held.programme != programme}
    return frozenset(
        other
        for other, _ in others
        if other in own and all(programme in _beside(p, a, on) for p, a in others if p == other)
    )


def _beside(programme: str, area: str, on: date) -> tuple[str, ...]:
    try:
        return load_pack(programme, area).at(on).programme.beside
    except (NoPack, NoRuleInForce):
        return ()
