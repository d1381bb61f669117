"""Why not there: the reason of the last run and its threshold, which tells of nobody."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.edge.texts import LANGUAGES
from chalicelib.queue.routes.sentences import cause_text, move_text, reason_text
from chalicelib.queue.rules import Moves, NotThere, Outcome, Passed, Seeker, Settled, Threshold
from chalicelib.queue.rules.moves import Came, Gone, Other, Own
from chalicelib.queue.rules.whynot import (
    WhyNot,
    carried,
    thresholds,
    told_to_holders,
    why_not,
)

CELLS = {1: (1, 2), 2: (1, 2), 3: (3,)}


def an_outcome(name: str, position: int, category: int = 3, **said: Any) -> Outcome:
    told: dict[str, Any] = {
        "application_id": name,
        "ticket": f"ticket-{name}",
        "tier": "general",
        "cohort": 2021,
        "category": category,
        "position": position,
        "turn": None,
        "reason": "preferred",
    }
    return Outcome(**{**told, **said})


def a_seeker(name: str, **said: Any) -> Seeker:
    told: dict[str, Any] = {
        "application_id": name,
        "ticket": f"ticket-{name}",
        "tier": "general",
        "cohort": 2021,
        "age": 4,
        "ordered_at": f"2025-09-01T05:00:{name}.123456Z",
        "language": "kk",
        "kind": "general",
    }
    return Seeker(**{**told, **said})


def got(name: str, group_id: str = "a") -> Settled:
    return Settled(name, f"voucher-{name}", group_id)


def last_in(*outcomes: Outcome, settled: list[Settled], **said: Any) -> dict[str, Threshold]:
    seekers = said.pop("seekers", [a_seeker(one.application_id) for one in outcomes])
    return thresholds(outcomes, settled, seekers, cells=CELLS, **said)


def test_the_last_by_the_order_who_really_got_in_is_the_threshold() -> None:
    found = last_in(
        an_outcome("10", 1),
        an_outcome("11", 2),
        an_outcome("12", 3),
        settled=[got("11"), got("10"), Settled("12", None, None, "place-taken")],
    )

    assert found == {"a": Threshold("line", (3,), "2025-09-01T05:00Z")}


def test_a_category_that_is_not_shown_apart_is_told_as_its_cell_without_the_time() -> None:
    found = last_in(an_outcome("10", 1, category=1), settled=[got("10")])

    assert found == {"a": Threshold("line", (1, 2), None)}


def test_without_a_cell_neither_category_nor_time_is_told() -> None:
    found = last_in(an_outcome("10", 1, category=9), settled=[got("10")])

    assert found == {"a": Threshold("line", (), None)}


def test_who_moved_with_a_voucher_or_after_a_sibling_is_no_threshold() -> None:
    holder: dict[str, Any] = {"voucher_id": "v", "from_group": "b", "group_id": "a"}
    sibling = a_seeker("11", siblings=("a",))
    outcomes = [an_outcome("10", 9, **holder, reason="moved"), an_outcome("11", 8)]

    only = last_in(
        *outcomes,
        settled=[got("10"), got("11")],
        seekers=[sibling],
        siblings_first=True,
    )
    with_one = last_in(
        *outcomes,
        an_outcome("12", 1),
        settled=[got("12"), got("10"), got("11")],
        seekers=[sibling, a_seeker("12")],
        siblings_first=True,
    )
    stays = an_outcome("10", 9, reason="stays", voucher_id="v", from_group="a", group_id="a")

    assert only == {"a": Threshold("other-right")}
    assert with_one["a"].last == "line"
    assert last_in(stays, settled=[got("10")]) == {}


def test_each_preference_has_the_reason_of_the_run_and_a_threshold_where_one_says_something() -> (
    None
):
    outcome = an_outcome(
        "20",
        9,
        reason="no-place-left",
        passed=tuple(
            Passed(group_id, why)  # type: ignore[arg-type]
            for group_id, why in (
                ("a", "full"),
                ("b", "full"),
                ("c", "language"),
                ("d", "closed"),
                ("e", "too-few"),
            )
        ),
    )
    last = {"a": Threshold("line", (3,), "2025-09-01T05:00Z"), "c": Threshold("other-right")}

    said = why_not(("a", "b", "c", "d", "e", "new", "a"), outcome, last)

    assert said == (
        NotThere("a", "full", "line", (3,), "2025-09-01T05:00Z"),
        NotThere("b", "full", "nobody"),
        NotThere("c", "language"),
        NotThere("d", "closed"),
        NotThere("e", "too-few", "nobody"),
        NotThere("new", "no-run"),
    )


@pytest.mark.parametrize("reason", ["batch-incomplete", "batch-differs", "batch-too-large"])
def test_twins_are_told_what_keeps_them_together_from_a_place(reason: Any) -> None:
    outcome = an_outcome("20", 9, reason=reason, passed=(Passed("a", "full"), Passed("b", "age")))

    assert [one.why for one in why_not(("a", "b"), outcome, {})] == [reason, "age"]


def test_a_place_that_was_planned_and_gone_is_told_so() -> None:
    outcome = an_outcome("20", 9, group_id="b", preference=2, passed=(Passed("a", "full"),))

    assert [one.why for one in why_not(("a", "b"), outcome, {})] == ["full", "taken"]
    assert why_not(("a",), None, {}) == (NotThere("a", "no-run"),)


def test_who_has_a_place_is_told_of_what_it_wished_for_more() -> None:
    full_a = (Passed("a", "full"),)
    outcomes = [
        an_outcome("10", 1, group_id="b", passed=full_a),  # the second wish
        an_outcome("11", 2, group_id="a"),  # the first: nothing to tell
        an_outcome("12", 3, group_id="a"),  # got another one than was planned
        an_outcome("13", 4, group_id="b", passed=full_a),  # passed over: waits on
        an_outcome("14", 5, group_id="b", passed=full_a),  # the run was stopped before
        an_outcome("20", 1, voucher_id="v", from_group="c", group_id="c", reason="stays",
                   passed=(*full_a, Passed("b", "full"))),
        an_outcome("21", 2, voucher_id="v", from_group="c", group_id="a", reason="moved"),
        an_outcome("22", 3, voucher_id="v", from_group="c", group_id="a", reason="moved"),
        an_outcome("23", 4, voucher_id="v", from_group="c", group_id="b", reason="moved",
                   passed=full_a),
    ]  # fmt: skip
    settled = [
        got("10", "b"),
        got("11", "a"),
        got("12", "b"),
        Settled("13", skipped="place-taken"),
        Settled("21", skipped="place-taken"),
        Settled("22", skipped="voucher-changed"),
        got("23", "b"),
    ]
    seekers = [
        a_seeker(one.application_id, preferences=("a", "b", *(("c",) if one.from_group else ())))
        for one in outcomes
    ]

    told = told_to_holders(outcomes, settled, seekers, {"a": Threshold("line", (3,))})

    assert {key: [(one.group_id, one.why) for one in those] for key, those in told.items()} == {
        "10": [("a", "full")],
        "12": [("a", "taken")],
        "20": [("a", "full"), ("b", "full")],
        "21": [("a", "taken")],
        "23": [("a", "full")],
    }
    assert told["10"][0].categories == (3,)


def test_what_a_run_said_stays_until_the_next_for_choices_it_knew() -> None:
    before = (NotThere("a", "full"), NotThere("b", "age"))

    assert carried(("b", "c", "b"), before) == (NotThere("b", "age"), NotThere("c", "no-run"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_cause_is_said_in_words(language: str) -> None:
    every: Any = WhyNot.__args__  # type: ignore[attr-defined]
    said = [reason_text(NotThere("a", why), language) for why in every]
    for last, categories in (
        ("line", ()),
        ("line", (3,)),
        ("line", (3, 4, 5)),
        ("other-right", ()),
        ("nobody", ()),
    ):
        one = NotThere("a", "full", last, categories, "2025-09-01T05:00Z")  # type: ignore[arg-type]
        said.append(reason_text(one, language))
    said.append(reason_text(NotThere("a", "taken"), language, held=True))
    assert said[-1] != reason_text(NotThere("a", "taken"), language)
    causes = [c for kind in (Gone, Came, Other, Own) for c in kind.__args__]  # type: ignore[attr-defined]
    said += [cause_text(cause, -2, language) for cause in causes]
    for count in (1, 2, 5, 11, 21, 22, 25, 112):
        for way in (count, -count, 0):
            moves = Moves(200, 200 + way, (("voucher", way),) if way else ())
            said.append(move_text(moves.now, moves, language))
    said.append(move_text(1, None, language))

    assert all("place:" not in one and "{" not in one and "…" not in one for one in said), said
    assert len(set(said[: len(every)])) == len(every)


def test_russian_counts_places_in_its_three_forms() -> None:
    def places(count: int) -> str:
        return move_text(1, Moves(count + 1, 1), "ru").split(" на ")[1].rsplit(" ", 1)[0]

    assert [places(n) for n in (1, 2, 5, 11, 14, 21, 22, 25, 101, 111)] == [
        "1 место",
        "2 места",
        "5 мест",
        "11 мест",
        "14 мест",
        "21 место",
        "22 места",
        "25 мест",
        "101 место",
        "111 мест",
    ]
