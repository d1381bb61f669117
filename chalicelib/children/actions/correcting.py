"""What only officers do: link sign-ins, set representatives, correct and merge records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.children import rules, store
from chalicelib.children.rules import (
    Basis,
    Child,
    Power,
    Relation,
)
from chalicelib.journal import store as journal
from chalicelib.journal.rules import commitments
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.iin import checked_iin
from chalicelib.kernel.periods import local, local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.storage import outbox
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.shelf import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What an officer corrects in a child's identity; None leaves a field as it is."""

    iin: str | None = None
    surname: str | None = None
    given_name: str | None = None
    patronymic: str | None = None
    birth_date: date | None = None
    sex: rules.Sex | None = None
    address: str | None = None


@settles
def link_sign_in(sign_in: str, *, iin: str, by: Actor, now: datetime) -> None:
    """Let another sign-in be the person with this IIN; the officers have seen the document.

    The person is told where they were reached before, in case it was not them who asked.

    Raises BadIin, Unknown, SignInTaken. The same again changes nothing.
    """
    checked_iin(iin)
    alias = store.find_alias(store.iin_digests(iin))
    if alias is None or alias.value.person_id is None:
        raise Unknown()
    held = store.find_alias(sign_in)
    if not rules.decide_link(held.value if held else None, person_id=alias.value.person_id):
        return
    kept = store.load_person(alias.value.person_id)
    journal.commit(
        journal.entry("children/sign-in-linked", f"person/{kept.value.person_id}", by=by, now=now),
        store.keep_person(kept, kept.value),
        *store.claim_for_person(sign_in, held, kept.value.person_id),
        outbox.notice(
            f"sign-in-linked#{sign_in}#{kept.version}",
            to=f"person:{kept.value.person_id}",
            template="notice:children/sign-in-linked",
            now=now,
            at=f"{local(now):%d.%m.%Y %H:%M}",
        ),
    )


@settles
def set_representative(
    child_id: str,
    person_id: str,
    *,
    powers: Sequence[Power],
    valid_from: date,
    valid_to: date | None,
    basis: Basis,
    by: Actor,
    now: datetime,
) -> Relation:
    """Let a person act for a child between two days, or change or end that. Officers only.

    Checks in order: the child and its area, the dates, the person. The same again changes nothing.
    """
    kept_child = _for_officer(child_id, by)
    relation = rules.decide_relation(
        child_id, person_id, powers=powers, valid_from=valid_from, valid_to=valid_to, basis=basis
    )
    kept = store.find_relation(child_id, person_id)
    if kept is not None and kept.value == relation:
        return relation
    store.load_person(person_id)
    writes: list[Write]
    if kept is None:
        writes = [*store.create_relation(relation)]
    else:
        writes = [store.keep_relation(kept, relation)]
    journal.commit(
        journal.entry(
            "children/representative-set",
            f"child/{child_id}",
            by=by,
            now=now,
            person=person_id,
            powers=relation.powers,
            valid_from=valid_from,
            valid_to=valid_to,
            basis=basis,
        ),
        store.keep_child(kept_child, kept_child.value),
        *writes,
    )
    return relation


@settles
def correct_identity(child_id: str, asked: Correction, *, by: Actor, now: datetime) -> Child:
    """Add or correct what identifies a child. Officers only; the same again changes nothing.

    A new IIN is claimed and the old one released in one commit. Live applications are judged anew,
    because the age may have changed. Raises BadIin, BadDates, ChildIinTaken.
    """
    kept = _for_officer(child_id, by)
    old = store.child_fields(child_id)
    if not old:
        raise Unknown()
    if asked.iin is not None:
        checked_iin(asked.iin)
    if asked.birth_date is not None and not (
        rules.EARLIEST_BIRTH <= asked.birth_date <= local_day(now)
    ):
        raise rules.BadDates(field="birth_date")
    new = {**old, **_told(asked)}
    if new == old:
        return kept.value

    corrected = rules.decide_identity(kept.value, new)
    sealed = store.with_salt(new)
    writes: list[Write] = [store.reseal_child(child_id, sealed)]
    if new["iin"] != old.get("iin", ""):
        writes += _claims(child_id, old_iin=old.get("iin", ""), new_iin=new["iin"])
    changed = sorted(name for name in new if new[name] != old.get(name, ""))
    for holding in store.load_holdings(child_id).value.held:
        if holding.kind == "application":
            key = f"child-corrected#{child_id}#{kept.version + 1}"
            writes.append(
                outbox.work(key, "applications/refresh", now=now, application_id=holding.id)
            )
    journal.commit(
        journal.entry(
            "children/identity-corrected",
            f"child/{child_id}",
            by=by,
            now=now,
            changed=changed,
            commitments=commitments(sealed),
            birth_year=corrected.birth_year,
            has_iin=corrected.has_iin,
        ),
        store.keep_child(kept, corrected),
        *writes,
    )
    return corrected


@settles
def merge(child_id: str, *, into: str, by: Actor, now: datetime) -> Child:
    """Let a doubled record answer as another; it can be undone. Officers only.

    Raises MergeWithItself, MergedAlready, BothHold, MergeOtherWay.
    """
    gone, kept_into = _for_officer(child_id, by), _for_officer(into, by)
    if gone.value.merged_into == into:
        return gone.value
    gone_holds, into_holds = store.load_holdings(child_id), store.load_holdings(into)
    rules.decide_merge(
        gone.value, kept_into.value, gone_holds=gone_holds.value, into_holds=into_holds.value
    )
    there = {kept.value.person_id: kept for kept in store.list_relations(into)}
    coming = [
        replace(kept.value, child_id=into)
        for kept in store.list_relations(child_id)
        if kept.value.person_id not in there or there[kept.value.person_id].value.undone
    ]
    merged = replace(gone.value, merged_into=into, merged_people=tuple(r.person_id for r in coming))
    writes: list[Write] = [
        # Nobody may take a voucher for the merged record while it is being merged.
        store.keep_holdings(gone_holds, gone_holds.value),
        store.keep_child(kept_into, kept_into.value),
    ]
    for relation in coming:
        if relation.person_id in there:
            writes.append(store.keep_relation(there[relation.person_id], relation))
        else:
            writes += store.create_relation(relation)
    journal.commit(
        journal.entry("children/merged", f"child/{child_id}", by=by, now=now, into=into),
        store.keep_child(gone, merged),
        *writes,
    )
    return merged


@settles
def unmerge(child_id: str, *, by: Actor, now: datetime) -> Child:
    """Undo a merge: the record answers for itself again. The same again changes nothing."""
    kept = _for_officer(child_id, by)
    into = kept.value.merged_into
    if into is None:
        return kept.value
    alone = replace(kept.value, merged_into=None, merged_people=())
    writes: list[Write] = []
    for person_id in kept.value.merged_people:
        relation = store.find_relation(into, person_id)
        if relation is not None:
            writes.append(store.keep_relation(relation, rules.undo(relation.value)))
    journal.commit(
        journal.entry("children/unmerged", f"child/{child_id}", by=by, now=now, from_child=into),
        store.keep_child(kept, alone),
        *writes,
    )
    return alone


def _for_officer(child_id: str, by: Actor) -> Kept[Child]:
    kept = store.load_child(child_id)
    access.demand(by, area=kept.value.area)
    access.concerns(child_id)
    return kept


def _claims(child_id: str, *, old_iin: str, new_iin: str) -> list[Write]:
    new, old = store.iin_digests(new_iin), store.iin_digests(old_iin) if old_iin else None
    claims: list[Write] = [*store.claim_for_child(new, store.find_alias(new), child_id)]
    held = store.find_alias(old) if old else None
    if old is None or held is None or held.value.child_id != child_id:
        return claims
    return [*claims, *store.release_from_child(old, held)]


def _told(asked: Correction) -> dict[str, str]:
    told = {
        "iin": asked.iin,
        "surname": asked.surname,
        "given_name": asked.given_name,
        "patronymic": asked.patronymic,
        "birth_date": asked.birth_date.isoformat() if asked.birth_date else None,
        "sex": asked.sex,
        "address": asked.address,
    }
    return {name: value for name, value in told.items() if value is not None}
