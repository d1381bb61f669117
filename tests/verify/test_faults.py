"""Each planted fault is found out and named: exit code 1, the word, the ticket, the number."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verify.conftest import Verify, in_process_of_its_own
from tests.verify.faults import (
    FAULTS,
    Fault,
    logged,
    money_city,
    reserve_city,
    ring_city,
    sibling_city,
    two_runs,
    written,
)
from tests.verify.worlds import World

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


def test_a_fault_ends_a_process_with_one_and_a_sentence(tmp_path: Path) -> None:
    fault = next(one for one in FAULTS if one.name == "stolen seat")
    words = written(fault, tmp_path)

    said = {lang: in_process_of_its_own(*words, "--lang", lang) for lang in ("en", "ru", "kk")}

    assert {done.returncode for done in said.values()} == {1}
    assert said["en"].stdout.startswith("BROKEN: ticket g1 would rather have group-b")
    assert said["ru"].stdout.startswith("НАРУШЕНО: талон g1 предпочёл бы group-b")
    assert said["kk"].stdout.startswith("БҰЗЫЛҒАН: g1 талонына group-b қолайлырақ еді")
    assert all(not done.stderr and done.stdout.count("\n") == 1 for done in said.values())
