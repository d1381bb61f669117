"""Representatives, relations, holdings: the law without rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.children import rules
from chalicelib.children.rules import Child, Contact, Holding, Holdings, Power
from chalicelib.kernel.iin import BadIin
from tests.children.builders import TODAY, a_registration, an_iin, details


def a_holding(
    kind: rules.HoldingKind = "application", n: int = 1, programme: str = "preschool"
) -> Holding:
    return Holding(kind=kind, id=f"{kind}-{n}", programme=programme, area="astana", since="s")


def a_record(name: str = "child-one", **changes: object) -> Child:
    return replace(
        Child(child_id=name, area="astana", birth_year=2022, has_iin=True, created_at="s"),
        **changes,
    )


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("phone", "+77011234567", True),
        ("phone", "87011234567", False),
        ("phone", "+7701123456a", False),
        ("phone", "+77011234567\n", False),
        ("phone", "+٧٧٠١١٢٣٤٥٦٧", False),
        ("email", "ana@mail.kz", True),
        ("email", "ana@mail", False),
        ("email", "ana mail@mail.kz", False),
        ("email", "+77011234567", False),
    ],
)
def test_a_contact_is_a_phone_with_country_code_or_an_address(
    kind: rules.ContactKind, value: str, good: bool
) -> None:
    asked = a_registration(contacts=(Contact(kind, value),))

    if good:
        rules.check_registration(asked)
    else:
        with pytest.raises(rules.BadContact) as refused:
            rules.check_registration(asked)
        assert refused.value.facts == {"kind": kind}


def test_the_iin_is_looked_at_before_the_contacts() -> None:
    with pytest.raises(BadIin):
        rules.check_registration(a_registration(iin="1", contacts=(Contact("email", "x"),)))


def test_contacts_survive_the_vault_in_order() -> None:
    contacts = (Contact("email", "a:b@mail.kz"), Contact("phone", "+77011234567"))

    assert rules.contacts_of(rules.person_fields(a_registration(contacts=contacts))) == contacts


@pytest.mark.parametrize(("iin", "reason"), [(None, None), (an_iin(1), "awaiting-documents")])
def test_a_child_has_an_iin_or_a_reason_never_both(iin: str | None, reason: str | None) -> None:
    with pytest.raises(rules.IinOrReason):
        rules.check_details(details(iin=iin, no_iin_reason=reason), today=TODAY)


@pytest.mark.parametrize("born", [date(2026, 3, 3), date(1989, 12, 31)])
def test_a_birth_date_cannot_lie_ahead_or_ages_ago(born: date) -> None:
    with pytest.raises(rules.BadDates):
        rules.check_details(details(birth_date=born), today=TODAY)


@given(st.dates(date(1990, 1, 1), TODAY), st.sampled_from(["female", "male"]), st.integers(0, 300))
def test_birth_date_and_sex_are_never_compared_with_the_iin(
    born: date, sex: rules.Sex, n: int
) -> None:
    rules.check_details(details(iin=an_iin(n % 20), birth_date=born, sex=sex), today=TODAY)


def test_a_child_without_an_iin_is_claimed_once_per_representative() -> None:
    one = details(iin=None, given_name="Ерасыл  Нұр")

    assert rules.provisional(one, person_id="p") == rules.provisional(
        details(iin=None, given_name="ерасыл нұр "), person_id="p"
    )
    assert rules.provisional(one, person_id="p") != rules.provisional(one, person_id="q")


def test_other_data_are_named_by_field_only() -> None:
    fields = rules.child_fields(details())

    with pytest.raises(rules.OtherData) as refused:
        rules.check_same(details(surname="Басқа", birth_date=date(2021, 1, 1)), fields)

    assert refused.value.facts == {"fields": ["surname", "birth_date"]}


@pytest.mark.parametrize(
    ("on", "power", "answer"),
    [
        (date(2026, 1, 31), None, False),
        (date(2026, 2, 1), None, True),
        (date(2026, 2, 28), "apply", True),
        (date(2026, 3, 1), "apply", False),
        (date(2026, 2, 10), "confirm", rules.PowerMissing),
        (date(2026, 3, 1), "confirm", False),
    ],
)
def test_a_relation_counts_from_its_first_day_to_its_last(
    on: date, power: Power | None, answer: object
) -> None:
    relation = rules.decide_relation(
        "c",
        "p",
        powers=["choose", "apply"],
        valid_from=date(2026, 2, 1),
        valid_to=date(2026, 2, 28),
        basis="court",
    )

    assert relation.powers == ("apply", "choose")
    if answer is rules.PowerMissing:
        with pytest.raises(rules.PowerMissing):
            rules.decide_acting(relation, power=power, on=on)
    else:
        assert rules.decide_acting(relation, power=power, on=on) is answer


def test_an_undone_relation_never_holds() -> None:
    relation = rules.decide_relation(
        "c", "p", powers=rules.POWERS, valid_from=TODAY, valid_to=None, basis="court"
    )

    assert rules.undo(relation).undone
    assert not rules.undo(relation).holds(TODAY)


def test_a_relation_does_not_end_before_it_begins() -> None:
    with pytest.raises(rules.BadDates):
        rules.decide_relation(
            "c", "p", powers=["apply"], valid_from=TODAY, valid_to=date(2026, 3, 1), basis="court"
        )


@pytest.mark.parametrize(
    ("gone", "into", "gone_holds", "into_holds", "refusal"),
    [
        (a_record("same"), a_record("same"), (), (), rules.MergeWithItself),
        (a_record("a", merged_into="x"), a_record("b"), (), (), rules.MergedAlready),
        (a_record("a"), a_record("b", merged_into="x"), (), (), rules.MergedAlready),
        (a_record("a"), a_record("b"), (a_holding(),), (a_holding(),), rules.BothHold),
        (a_record("a"), a_record("b"), (a_holding(),), (), rules.MergeOtherWay),
        (a_record("a"), a_record("b"), (), (a_holding(),), None),
        (a_record("a"), a_record("b"), (), (), None),
    ],
)
def test_records_merge_while_only_the_one_that_stays_holds_something(
    gone: Child,
    into: Child,
    gone_holds: tuple[Holding, ...],
    into_holds: tuple[Holding, ...],
    refusal: type[Exception] | None,
) -> None:
    holds = {"gone_holds": Holdings(gone_holds), "into_holds": Holdings(into_holds)}

    if refusal is None:
        rules.decide_merge(gone, into, **holds)
    else:
        with pytest.raises(refusal):
            rules.decide_merge(gone, into, **holds)


def test_one_of_a_kind_per_programme_and_no_foreign_ids_in_the_refusal() -> None:
    holdings = rules.hold(Holdings(), a_holding())

    with pytest.raises(rules.AlreadyHeld) as refused:
        rules.hold(holdings, a_holding(n=2))

    assert "application-1" not in str(refused.value.facts)
    assert len(rules.hold(holdings, a_holding("voucher")).held) == 2
    beside = rules.hold(holdings, a_holding(programme="clubs"), beside={"preschool"})
    assert len(beside.held) == 2


steps = st.lists(
    st.tuples(
        st.sampled_from(["hold", "swap", "drop"]),
        st.sampled_from(["application", "voucher", "enrolment"]),
        st.integers(1, 3),
        st.sampled_from(["preschool", "clubs"]),
    ),
    max_size=30,
)


@given(steps)
def test_no_child_ever_holds_two_of_a_kind_in_a_programme(
    taken: list[tuple[str, rules.HoldingKind, int, str]],
) -> None:
    holdings = Holdings()
    for step, kind, n, programme in taken:
        holding = a_holding(kind, n, programme)
        try:
            match step:
                case "hold":
                    holdings = rules.hold(holdings, holding)
                case "swap":
                    holdings = rules.swap(holdings, f"{kind}-1", holding)
                case _:
                    holdings = rules.swap(holdings, holding.id)
                    assert all(h.id != holding.id for h in holdings.held)
        except (rules.AlreadyHeld, rules.HeldElsewhere):
            continue
        kinds = [(h.kind, h.programme) for h in holdings.held]
        assert len(kinds) == len(set(kinds))


def test_what_ends_twice_ends_once() -> None:
    assert rules.swap(Holdings(), "gone") == Holdings()


# --- two programmes: one beside the other, or not


@pytest.mark.parametrize("kind", ["application", "voucher", "enrolment"])
def test_lesson_34_nothing_in_a_second_programme_unless_it_may_be_held_beside(
    kind: rules.HoldingKind,
) -> None:
    holdings = rules.hold(Holdings(), a_holding(kind))
    club = a_holding(programme="clubs")

    with pytest.raises(rules.HeldElsewhere) as refused:
        rules.hold(holdings, club, beside={"camps"})

    told = dict(refused.value.facts)
    assert {*told.pop("called")} == {"kk", "ru", "en"}
    assert told == {
        "kind": kind,
        "programme": "preschool",
        "area": "astana",
        "since": "s",
        "beside": "clubs",
    }
    assert rules.hold(holdings, club, beside={"preschool"}).held == (*holdings.held, club)


def test_what_follows_from_an_application_is_not_asked_about_other_programmes_again() -> None:
    holdings = rules.hold(Holdings(), a_holding("enrolment"))
    holdings = rules.hold(holdings, a_holding(programme="clubs"), beside={"preschool"})
    voucher = a_holding("voucher", 7, "clubs")

    with_voucher = rules.swap(holdings, "application-1", voucher)
    with_place = rules.hold(with_voucher, a_holding("enrolment", 8, "clubs"))

    assert [(h.programme, h.kind) for h in with_place.held] == [
        ("preschool", "enrolment"),
        ("clubs", "voucher"),
        ("clubs", "enrolment"),
    ]
