"""Each planted fault is found out and named: exit code 1, the word, the ticket, the number."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.verify.conftest import Verify, in_process_of_its_own
from tests.verify.faults import (
    FAULTS,
    RUN,
    Fault,
    as_of_the_opening,
    logged,
    money_city,
    no_runs,
    reserve_city,
    ring_city,
    run_of,
    sibling_city,
    sooner,
    two_runs,
    without,
    written,
)
from tests.verify.worlds import Run, World, a_place, canonical, decide

assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_named(fault: Fault, tmp_path: Path, verify: Verify) -> None:
    words = written(fault, tmp_path)

    code, said = verify(*words)

    assert (code, said.get("broken")) == (1, fault.word), said
    assert (said["ticket"], said["number"]) == (fault.ticket, fault.number), said


def test_the_worlds_hold_without_their_faults(tmp_path: Path, verify: Verify) -> None:
    commands = sorted({fault.asked for fault in FAULTS})
    for number, world in enumerate((None, money_city, reserve_city, sibling_city, ring_city)):
        for asked in commands:
            honest = Fault("none", asked, "", **({"world": world} if world else {}))
            folder = tmp_path / f"{number} {asked}"
            folder.mkdir()
            if world and asked.startswith(("input", "queue kept")):
                continue  # these worlds have another family
            code, said = verify(*written(honest, folder))
            assert code == 0, (asked, said)


def test_two_runs_and_the_entry_of_the_log_hold(tmp_path: Path, verify: Verify) -> None:
    def change(world: World) -> None:
        two_runs(world)

    code, said = verify(*written(Fault("none", "queue", "", change=change, edit=logged), tmp_path))

    assert (code, said["runs"]) == (0, 2), said


def judged_anew(world: World) -> None:
    """Sign f2 as of no right the evening before, g3 as of the oldest of another age."""
    order = world.checkpoints[2]
    for ticket, category, place in (("f2", 5, 3), ("g3", 1, 2)):
        at = [line["ticket"] for line in order.lines].index(ticket)
        text, salt = order.leaves[at]
        said = {**json.loads(text), "category": category, "place": place}
        order.leaves[at] = (canonical(said), salt)


def test_whose_category_was_judged_anew_since_is_named(tmp_path: Path, verify: Verify) -> None:
    fault = Fault("none", "run opened", "", change=judged_anew)

    words = written(fault, tmp_path)
    code, said = verify(*words)

    assert (code, said["changed"]) == (0, ["f2", "g3"]), said
    assert "changed" in said["unchecked"]
    told = in_process_of_its_own(*words).stdout
    assert "not checked: 2 (`changed`) were in another category" in told


def voucher_between(world: World) -> None:
    """A first run gives r3 and r4 vouchers after the order; both are back, r4 after the second."""
    second = run_of(world)
    first = Run(
        run_id="run-2026-07-02-a",
        applicants=[replace(one) for one in second.applicants if one.own is None],
        places=[a_place("group-r", 6, language="ru")],
        seeds=second.seeds,
        carry_before=second.carry_before,
        proposed_at="2026-07-02T06:00:00.000000Z",
        released_at="2026-07-02T06:30:00.000000Z",
        ended_at="2026-07-02T06:31:00.000000Z",
        checkpoint=3,
    )
    decide(first)
    second.carry_before = first.carry_after
    without(second, "r4")
    sooner(second, "r3", "2026-07-02T12:00:00.000000Z")
    world.runs.insert(0, first)


def test_who_came_back_after_a_voucher_is_no_fault(tmp_path: Path, verify: Verify) -> None:
    fault = Fault("none", "queue", "", change=voucher_between)
    words = written(fault, tmp_path)
    opened = ["run", *words[1:]]
    opened[1] = str(Path(words[1]) / "runs" / RUN)

    assert verify(*words)[0] == 0, verify(*words)
    code, said = verify(*opened, "--openings", tmp_path / f"{RUN}.openings")
    assert (code, said["changed"]) == (0, ["r3"]), said


def test_a_run_is_held_to_the_order_before_and_the_order_after(
    tmp_path: Path, verify: Verify
) -> None:
    def newest(world: World) -> None:
        world.checkpoints.pop()
        without(run_of(world), "r4")

    words = written(Fault("none", "run", "", change=newest), tmp_path)

    code, said = verify(*words)

    assert (code, "left" in said["unchecked"]) == (0, True), said


def test_the_run_of_the_newest_order_may_not_be_published_yet(
    tmp_path: Path, verify: Verify
) -> None:
    code, said = verify(*written(Fault("none", "queue", "", edit=no_runs), tmp_path))

    assert (code, "unlisted" in said["unchecked"]) == (0, True), said


def test_who_stands_as_of_an_intakes_opening_holds(tmp_path: Path, verify: Verify) -> None:
    words = written(Fault("none", "run opened", "", change=as_of_the_opening), tmp_path)

    assert verify(*words)[0] == 0, verify(*words)


def test_a_fault_ends_a_process_with_one_and_a_sentence(tmp_path: Path) -> None:
    fault = next(one for one in FAULTS if one.name == "stolen seat")
    words = written(fault, tmp_path)

    said = {lang: in_process_of_its_own(*words, "--lang", lang) for lang in ("en", "ru", "kk")}

    assert {done.returncode for done in said.values()} == {1}
    assert said["en"].stdout.startswith("BROKEN: ticket g1 would rather have group-b")
    assert said["ru"].stdout.startswith("НАРУШЕНО: билет g1 предпочёл бы group-b")
    assert said["kk"].stdout.startswith("БҰЗЫЛҒАН: g1 билетіне group-b қолайлырақ еді")
    assert all(not done.stderr and done.stdout.count("\n") == 1 for done in said.values())
