"""Registering, custody, corrections and merges on a real engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest

from chalicelib.children import actions, rules, store
from chalicelib.children.actions import Correction
from chalicelib.children.rules import Contact, Holding, Relation
from chalicelib.journal import store as journal
from chalicelib.journal.rules import commitment_of
from chalicelib.kernel.iin import BadIin
from chalicelib.kernel.refusals import Refusal, Unknown
from chalicelib.storage import keys
from chalicelib.storage.commit import commit
from infra.local.testing import TestTables
from tests.children.builders import (
    NOW,
    TODAY,
    a_child,
    a_parent,
    a_registration,
    an_iin,
    an_officer,
    details,
    everything_stored,
    registered,
)

pytestmark = pytest.mark.usefixtures("tables")
FIRST, SECOND = an_iin(100), an_iin(101)


def hold(child_id: str, n: int = 1) -> None:
    kept = store.load_holdings(child_id)
    holding = Holding(
        kind="application", id=f"application-{n}", programme="preschool", area="astana"
    )
    commit([store.keep_holdings(kept, rules.hold(kept.value, holding))])


def custody(child_id: str, person_id: str, **changes: Any) -> Relation:
    asked: dict[str, Any] = {
        "powers": ("apply",),
        "valid_from": TODAY,
        "valid_to": None,
        "basis": "court",
        **changes,
    }
    return actions.set_representative(child_id, person_id, **asked, by=an_officer(), now=NOW)


# --- representatives


def test_registering_twice_is_one_person(tables: TestTables) -> None:
    once = actions.register(a_registration(), by=a_parent(), now=NOW)
    rows = tables.dump()

    again = actions.register(a_registration(), by=a_parent(), now=NOW + timedelta(days=1))

    assert again == once
    assert tables.dump() == rows


def test_contacts_and_language_may_change_but_not_the_person() -> None:
    parent = registered()
    before = actions.me(parent)

    after = actions.register(
        a_registration(language="ru", contacts=(Contact("email", "ana@mail.kz"),)),
        by=parent,
        now=NOW,
    )

    assert after.person_id == before.person_id
    assert (after.language, after.contacts) == ("ru", (Contact("email", "ana@mail.kz"),))
    assert actions.me(parent) == after
    for other in ({"iin": an_iin(7)}, {"surname": "Басқа"}):
        with pytest.raises(rules.IdentityFixed):
            actions.register(a_registration(**other), by=parent, now=NOW)


def test_an_iin_from_another_sign_in_is_refused_until_an_officer_links_it() -> None:
    first, second = registered("egov"), a_parent("bank")

    with pytest.raises(rules.IinTaken) as refused:
        actions.register(a_registration(), by=second, now=NOW)
    assert refused.value.facts == {"sign_in": second.subject}

    for _ in range(2):
        actions.link_sign_in(second.subject, iin=an_iin(0), by=an_officer(), now=NOW)
    assert actions.me(second) == actions.me(first)


def test_a_sign_in_of_another_person_is_not_linked() -> None:
    registered("first", 0)
    second = registered("second", 1)

    with pytest.raises(rules.SignInTaken):
        actions.link_sign_in(second.subject, iin=an_iin(0), by=an_officer(), now=NOW)
    with pytest.raises(Unknown):
        actions.link_sign_in(second.subject, iin=an_iin(9), by=an_officer(), now=NOW)
    with pytest.raises(BadIin):
        actions.link_sign_in(second.subject, iin="1", by=an_officer(), now=NOW)


def test_who_is_not_registered_is_told_so() -> None:
    with pytest.raises(rules.RegisterFirst):
        actions.person_of(a_parent("stranger"))


def test_two_sign_ins_race_for_one_iin_and_one_wins() -> None:
    barrier = Barrier(2)

    def register(name: str) -> object:
        barrier.wait()
        try:
            return actions.register(a_registration(), by=a_parent(name), now=NOW).person_id
        except Refusal as refusal:
            return type(refusal)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(register, ["one", "two"]))

    assert rules.IinTaken in outcomes
    assert sum(isinstance(o, str) for o in outcomes) == 1


# --- children


def test_a_child_is_registered_once_however_often_it_is_described(tables: TestTables) -> None:
    parent = registered()
    child = a_child(parent)
    rows = tables.dump()

    assert a_child(parent) == child
    assert a_child(parent, named="application-2") == child
    assert tables.dump() == rows
    seen = actions.child(child.child_id, by=parent, now=NOW)
    assert (seen.given_name, seen.birth_date, seen.powers) == (
        "Ерасыл",
        date(2022, 5, 4),
        rules.POWERS,
    )


def test_a_foreign_child_is_refused_without_an_id() -> None:
    child = a_child(registered("mother", 0))
    father = registered("father", 1)

    with pytest.raises(rules.RepresentedByAnother) as refused:
        a_child(father)

    assert refused.value.facts == {}
    with pytest.raises(Unknown) as foreign:
        actions.child(child.child_id, by=father, now=NOW)
    with pytest.raises(Unknown) as nonexistent:
        actions.child("no-such-child", by=father, now=NOW)
    assert foreign.value == nonexistent.value


def test_a_known_child_is_not_described_otherwise() -> None:
    parent = registered()
    a_child(parent)

    with pytest.raises(rules.OtherData):
        a_child(parent, birth_date=date(2021, 5, 4))


def test_a_row_that_names_its_child_otherwise_than_before_is_told_so() -> None:
    def row(**changes: Any) -> actions.Brought:
        return actions.bring(
            "row-17",
            a_registration(),
            details(**changes),
            None,
            area="taldykorgan",
            by=an_officer(),
            now=NOW,
        )

    first = row()
    commit(list(first.writes))

    again = row()
    assert (again.child.child_id, again.registered, again.writes) == (
        first.child.child_id,
        True,
        (),
    )
    with pytest.raises(rules.OtherData) as refused:
        row(iin=SECOND)
    assert refused.value.facts == {"fields": ["iin"]}


def test_whoever_comes_with_a_row_is_committed_to_as_whoever_comes_themself() -> None:
    brought = actions.bring(
        "row-18", a_registration(), details(), None, area="taldykorgan", by=an_officer(), now=NOW
    )
    commit(list(brought.writes))

    for stream, subject in (
        (f"child/{brought.child.child_id}", f"CHILD#{brought.child.child_id}"),
        (f"person/{brought.person.person_id}", f"PERSON#{brought.person.person_id}"),
    ):
        (entry,) = journal.history(stream)
        sealed = store.committed(subject)
        assert entry.facts["commitments"] == {
            name: commitment_of(*found) for name, found in sealed.items()
        }
        assert {"iin", "surname", "given_name"} <= sealed.keys()


def test_a_child_without_an_iin_gets_it_later_and_stays_the_same() -> None:
    parent = registered()
    child = a_child(parent, iin=None, no_iin_reason="awaiting-documents")
    assert (
        a_child(parent, named="application-2", iin=None, no_iin_reason="awaiting-documents")
        == child
    )

    corrected = actions.correct_identity(
        child.child_id, Correction(iin=FIRST), by=an_officer(), now=NOW
    )

    assert (corrected.has_iin, corrected.no_iin_reason) == (True, None)
    assert a_child(parent, named="application-3") == corrected


def test_a_corrected_iin_frees_the_old_one_in_the_same_commit() -> None:
    parent = registered()
    child = a_child(parent)

    for _ in range(2):
        actions.correct_identity(child.child_id, Correction(iin=SECOND), by=an_officer(), now=NOW)

    assert a_child(parent, iin=SECOND).child_id == child.child_id
    other = a_child(parent, named="application-2", iin=FIRST)
    assert other.child_id != child.child_id
    with pytest.raises(rules.ChildIinTaken):
        actions.correct_identity(child.child_id, Correction(iin=FIRST), by=an_officer(), now=NOW)


def test_an_iin_may_be_a_grown_childs_and_a_representatives() -> None:
    parent = registered("mother", 0)
    child = a_child(parent, iin=an_iin(5))

    grown = registered("grown", 5)

    assert actions.me(grown).person_id
    assert a_child(parent, iin=an_iin(5)) == child


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (Correction(iin="1"), BadIin),
        (Correction(birth_date=date(2026, 3, 3)), rules.BadDates),
    ],
)
def test_a_correction_is_checked(asked: Correction, refusal: type[Refusal]) -> None:
    child = a_child(registered())

    with pytest.raises(refusal):
        actions.correct_identity(child.child_id, asked, by=an_officer(), now=NOW)


def test_a_corrected_birth_date_has_live_applications_judged_anew(tables: TestTables) -> None:
    child = a_child(registered())
    hold(child.child_id)

    corrected = actions.correct_identity(
        child.child_id, Correction(birth_date=date(2021, 5, 4)), by=an_officer(), now=NOW
    )

    assert corrected.birth_year == 2021
    assert store.load_birth_date(child.child_id) == date(2021, 5, 4)
    assert "applications/refresh" in everything_stored(tables)


def test_an_officer_of_another_area_sees_no_such_child() -> None:
    child, elsewhere = a_child(registered()), an_officer("astana")

    with pytest.raises(Unknown):
        actions.correct_identity(child.child_id, Correction(), by=elsewhere, now=NOW)
    with pytest.raises(Unknown):
        actions.merge(child.child_id, into="whatever", by=elsewhere, now=NOW)


# --- custody


def test_custody_passes_on_a_day_without_touching_the_past() -> None:
    mother, father = registered("mother", 0), registered("father", 1)
    child = a_child(mother)
    theirs = {p: actions.me(p).person_id for p in (mother, father)}

    custody(child.child_id, theirs[mother], powers=rules.POWERS, valid_to=TODAY)
    tomorrow = TODAY + timedelta(days=1)
    custody(child.child_id, theirs[father], valid_from=tomorrow)

    assert actions.acting_for(child.child_id, mother, "apply", TODAY)
    assert actions.acting_for(child.child_id, father, "apply", tomorrow)
    for who, on in ((mother, tomorrow), (father, TODAY)):
        with pytest.raises(Unknown):
            actions.acting_for(child.child_id, who, None, on)
    with pytest.raises(rules.PowerMissing):
        actions.acting_for(child.child_id, father, "confirm", tomorrow)
    assert actions.representatives_of(child.child_id, TODAY) == (theirs[mother],)
    assert actions.representatives_of(child.child_id, tomorrow) == (theirs[father],)
    assert actions.children_of(theirs[father], tomorrow) == (child.child_id,)
    assert actions.children_of(theirs[mother], tomorrow) == ()


def test_a_relation_set_twice_is_one_and_needs_a_person(tables: TestTables) -> None:
    parent = registered()
    child = a_child(parent)
    person_id = actions.me(parent).person_id
    custody(child.child_id, person_id)
    rows = tables.dump()

    custody(child.child_id, person_id)

    assert tables.dump() == rows
    with pytest.raises(Unknown):
        custody(child.child_id, "no-such-person")
    with pytest.raises(rules.BadDates):
        custody(child.child_id, person_id, valid_to=date(2026, 3, 1))


# --- merging


def test_a_merge_answers_as_the_other_and_can_be_undone_and_redone() -> None:
    mother, father = registered("mother", 0), registered("father", 1)
    doubled = a_child(mother, iin=None, no_iin_reason="awaiting-documents")
    child = a_child(father)
    officer = an_officer()

    for _ in range(2):
        actions.merge(doubled.child_id, into=child.child_id, by=officer, now=NOW)
        actions.merge(doubled.child_id, into=child.child_id, by=officer, now=NOW)
        seen = actions.child(doubled.child_id, by=mother, now=NOW)
        assert seen.child_id == child.child_id
        again = a_child(mother, iin=None, no_iin_reason="awaiting-documents")
        assert again.child_id == child.child_id
        listed, _ = actions.children_page(by=mother, now=NOW, after=None, limit=10)
        assert [c.child_id for c in listed] == [child.child_id]

        actions.unmerge(doubled.child_id, by=officer, now=NOW)
        actions.unmerge(doubled.child_id, by=officer, now=NOW)
        assert actions.child(doubled.child_id, by=mother, now=NOW).child_id == doubled.child_id
        with pytest.raises(Unknown):
            actions.child(child.child_id, by=mother, now=NOW)


def test_a_merge_never_hides_something_live() -> None:
    parent = registered()
    doubled = a_child(parent, named="one-one", iin=None, no_iin_reason="awaiting-documents")
    child, officer = a_child(parent, named="two-two"), an_officer()

    hold(doubled.child_id, 1)
    with pytest.raises(rules.MergeOtherWay):
        actions.merge(doubled.child_id, into=child.child_id, by=officer, now=NOW)
    hold(child.child_id, 2)
    with pytest.raises(rules.BothHold):
        actions.merge(doubled.child_id, into=child.child_id, by=officer, now=NOW)
    with pytest.raises(rules.MergeWithItself):
        actions.merge(child.child_id, into=child.child_id, by=officer, now=NOW)


def test_children_are_listed_page_by_page_none_twice_none_missing() -> None:
    parent = registered()
    ids = {a_child(parent, named=f"named-{n}", iin=an_iin(200 + n)).child_id for n in range(5)}

    found: list[str] = []
    after = None
    while True:
        items, after = actions.children_page(by=parent, now=NOW, after=after, limit=2)
        found += [item.child_id for item in items]
        if after is None:
            break

    assert sorted(found) == sorted(ids)


def test_b7_no_name_number_or_birth_date_is_readable_in_any_table(tables: TestTables) -> None:
    parent = registered()
    child = a_child(parent, surname="Канарейкин", address="Канарская 17")
    actions.correct_identity(child.child_id, Correction(iin=SECOND), by=an_officer(), now=NOW)

    stored = everything_stored(tables)

    for canary in (an_iin(0), FIRST, SECOND, "Канарейкин", "Айгерім", "7011234567", "2022-05-04"):
        assert canary not in stored


def test_every_change_is_in_the_journal() -> None:
    from chalicelib.journal import store as journal

    parent = registered()
    child = a_child(parent)
    custody(child.child_id, actions.me(parent).person_id)
    actions.correct_identity(child.child_id, Correction(iin=SECOND), by=an_officer(), now=NOW)

    entries = list(journal.history(f"child/{child.child_id}"))

    assert [e.event for e in entries] == [
        "children/child-registered",
        "children/representative-set",
        "children/identity-corrected",
    ]
    assert [e.sequence for e in entries] == [1, 2, 3]
    assert entries[2].facts["changed"] == ["iin"]


def test_two_holds_race_and_one_wins() -> None:
    child = a_child(registered())
    barrier = Barrier(2)

    def take(n: int) -> bool:
        kept = store.load_holdings(child.child_id)
        barrier.wait()
        holding = Holding(kind="voucher", id=f"voucher-{n}", programme="p", area="a")
        try:
            commit([store.keep_holdings(kept, rules.hold(kept.value, holding))])
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, [1, 2])) == [False, True]


def test_the_alias_of_a_sign_in_is_where_the_key_table_says() -> None:
    parent = registered()

    assert store.ALIASES.find(keys.alias(parent.subject)) is not None
    assert details().iin == FIRST
