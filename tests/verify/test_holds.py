"""What is as it should be holds, and says what was not checked."""

from __future__ import annotations

import json
from pathlib import Path

from tests.verify.city import the_world
from tests.verify.conftest import Verify, in_process_of_its_own


def test_an_honest_city_holds_in_a_process_without_our_code(tmp_path: Path) -> None:
    place = the_world().write(tmp_path)
    keys = ("--keys", tmp_path / "keys-kept")
    folder = place / "runs" / "run-2026-07-02"
    openings = ("--openings", tmp_path / "run-2026-07-02.openings")

    queue = in_process_of_its_own("queue", place, *keys, "--json")
    public = in_process_of_its_own("run", folder, *keys, "--json")
    opened = in_process_of_its_own("run", folder, *keys, *openings, "--json")

    assert (queue.returncode, public.returncode, opened.returncode) == (0, 0, 0)
    assert json.loads(queue.stdout)["checkpoints"] == 4
    told = json.loads(opened.stdout)
    assert (told["applicants"], told["issued"], told["moved"], told["opened"]) == (31, 17, 4, 31)
    assert "openings" in json.loads(public.stdout)["unchecked"]
    assert "openings" not in told["unchecked"]


def test_what_is_not_checked_is_said_aloud_in_three_languages(tmp_path: Path) -> None:
    place = the_world().write(tmp_path)
    folder = place / "runs" / "run-2026-07-02"

    for language, words in (
        ("en", "not checked"),
        ("ru", "не проверено"),
        ("kk", "тексерілмеді"),
    ):
        said = in_process_of_its_own(
            "run", folder, "--keys", tmp_path / "keys-kept", "--lang", language
        )
        assert words in said.stdout


def test_a_queue_is_found_below_the_published_folder(tmp_path: Path, verify: Verify) -> None:
    the_world().write(tmp_path)

    code, said = verify("queue", tmp_path, "--keys", tmp_path / "keys-kept")

    assert (code, said["queues"]) == (0, ["preschool/astana"])
