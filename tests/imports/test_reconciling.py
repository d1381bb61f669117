"""A move is accounted for: every row, every tenge, every place, or it says so."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from infra.imports import reconciling
from infra.imports.reconciling import Moved, Now, Way
from infra.imports.registers import Standing
from infra.imports.report import Refused
from infra.imports.running import Result

DIGEST = "d" * 64


def waits(line: int, place: int | None, **more: object) -> Standing:
    return Standing(
        line=line, number=f"DB-{line}", state="queue", direction="sport", child_iin=f"iin-{line}",
        place=place, **more,
    )  # fmt: skip


def holds(line: int, limit: int = 1_800_000, used: int = 0) -> Standing:
    return Standing(
        line=line, number=f"DB-{line}", state="voucher", direction="sport", child_iin=f"iin-{line}",
        limit_tiyn=limit, used_tiyn=used,
    )  # fmt: skip


def queued(line: int, category: int, asked: int) -> Now:
    return Now(
        had=False, state="queued", ticket=f"t-{line}", category=category,
        ordered_at=f"2026-06-{asked:02d}T00:00:00Z",
    )  # fmt: skip


def given_voucher(remaining: int, cap: int = 1_800_000) -> Now:
    return Now(had=False, remaining_tiyn=remaining, cap_tiyn=cap, state="used")


def moved(standings: list[Standing], now: dict[int, Now], refused: tuple[int, ...] = ()) -> Moved:
    result = Result("damubala.csv", DIGEST, rows=len(standings))
    result.refused = [Refused("damubala.csv", n, "", "kernel/bad-iin") for n in refused]
    return Moved("damubala", result, {s.line: s for s in standings}, now)


def test_a_better_category_goes_ahead_and_each_family_reads_why():
    made = moved(
        [waits(2, 1), waits(3, 2), waits(4, 3)],
        {2: queued(2, 11, 1), 3: queued(3, 11, 2), 4: queued(4, 5, 3)},
    )

    reconciling.explain(made, ["elsewhere", "t-4", "t-2", "t-3"])

    assert made.ways[2] == Way(overtaken=1, elsewhere=1)
    assert made.ways[4] == Way(overtook=2, elsewhere=1)
    assert not made.unexplained
    rows = list(csv.DictReader(io.StringIO(reconciling.families(made).decode("utf-8-sig"))))
    assert [row["place_after"] for row in rows] == ["3", "4", "2"]
    assert rows[0]["reason_en"] == (
        "1 of those behind have an earlier category or application; "
        "1 children from elsewhere stand ahead in the one queue"
    )


def test_who_was_refused_or_is_in_another_file_leaves_the_places_ahead():
    made = moved([waits(2, 3), waits(3, 4), waits(4, 7)], {4: queued(4, 11, 9)}, refused=(2, 3))

    reconciling.explain(made, ["t-4"])

    assert made.ways == {4: Way(left=2, absent=4)}
    assert reconciling.report(made)["balanced"]


def test_an_order_that_no_rule_gives_is_unexplained_and_the_report_is_not_balanced():
    made = moved([waits(2, 1), waits(3, 2)], {2: queued(2, 11, 1), 3: queued(3, 11, 2)})

    reconciling.explain(made, ["t-3", "t-2"])

    assert made.unexplained == [2]
    told = reconciling.report(made)
    assert (told["places_unexplained"], told["balanced"]) == (1, False)


def test_a_live_application_without_a_place_is_unexplained():
    made = moved([waits(2, 1)], {2: queued(2, 11, 1)})

    reconciling.explain(made, [])

    assert made.unexplained == [2]
    assert reconciling.report(made)["places"]["balance"] == 1


def test_a_lost_row_is_seen():
    made = moved([holds(2), holds(3)], {2: given_voucher(1_800_000)})

    told = reconciling.report(made)

    assert told["rows"]["balance"] == 1
    assert told["vouchers"]["balance"] == 1
    assert told["remaining_tiyn"]["balance"] == 1_800_000
    assert not told["balanced"]


def test_what_is_left_of_the_cap_adds_up_and_another_cap_is_named():
    made = moved(
        [holds(2, used=300_000), holds(3, limit=2_000_000), holds(4)],
        {2: given_voucher(1_500_000), 3: given_voucher(1_800_000)},
        refused=(4,),
    )

    told = reconciling.report(made)

    assert told["remaining_tiyn"] == {
        "before": 5_300_000, "after": 3_300_000,
        "explained": {"refused": 1_800_000, "cap_by_rules": 200_000}, "balance": 0,
    }  # fmt: skip
    assert told["balanced"]


def test_a_tenge_that_went_astray_is_no_matter_of_another_cap():
    made = moved([holds(2, used=300_000)], {2: given_voucher(1_499_900)})

    assert reconciling.report(made)["remaining_tiyn"]["balance"] == 100


def test_children_on_two_platforms_are_named_by_numbers_never_by_iin():
    made = moved([holds(2), holds(3)], {2: given_voucher(1_800_000)}, refused=(3,))
    other = replace(holds(9), child_iin="iin-3", number="AS-77")

    reconciling.name_twins(made, {"artsport": [other]})

    (twin,) = reconciling.report(made)["on_two_platforms"]
    assert (twin["number"], twin["platform"], twin["other_number"], twin["outcome"]) == (
        "DB-3", "artsport", "AS-77", "refused",
    )  # fmt: skip
    assert "iin-3" not in str(reconciling.report(made)) + reconciling.families(made).decode()


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(1, 28), st.booleans()), min_size=1, max_size=40
    ),
    st.integers(0, 5),
)
def test_the_parts_of_a_change_always_make_the_place_that_is_published(
    asked: list[tuple[int, int, bool]], elsewhere: int
):
    standings = [waits(n, n - 1) for n in range(2, len(asked) + 2)]
    now = {
        n: queued(n, category, day)
        for n, (category, day, taken) in enumerate(asked, start=2)
        if taken
    }
    refused = tuple(n for n in range(2, len(asked) + 2) if n not in now)
    made = moved(standings, now, refused)
    mine = sorted(now, key=lambda n: (now[n].category, now[n].ordered_at, n))
    order = [f"other-{n}" for n in range(elsewhere)] + [now[n].ticket for n in mine]

    reconciling.explain(made, order)

    for line, way in made.ways.items():
        assert way.after(line - 1) == order.index(now[line].ticket) + 1
    assert not made.unexplained
    assert reconciling.report(made)["balanced"]
