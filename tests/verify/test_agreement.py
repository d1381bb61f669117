"""Two verifiers that share no line name the same word and ticket, whatever was done (L5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.verify.browser import Browser, Files, files_below, given
from tests.verify.conftest import Verify
from tests.verify.faults import FAULTS, RUN, Fault, queue_folder, written
from tests.verify.worlds import key_line


def chosen(asked: str, folder: Path) -> Files:
    """Return the files that somebody who asks this would give the page."""
    own = {
        "receipt": ["receipt"],
        "place": ["place.json"],
        "place receipt": ["place.json", "receipt"],
        "place queue": ["place.json"],
        "input": ["input.json", "receipt"],
        "input run": ["input.json"],
        "queue kept": ["kept-note"],
        "run opened": [f"{RUN}.openings"],
    }.get(asked, [])
    files: Files = {name: (folder / name).read_bytes() for name in own}
    place = queue_folder(folder)
    if asked.startswith(("queue", "run")) or asked == "place queue":
        files |= files_below(place)
    if asked == "input run":
        files |= files_below(place / "runs" / RUN)
    return files


def by_page(tab: Browser, files: Files) -> dict[str, Any]:
    options = json.dumps({"keys": key_line()})
    answer: dict[str, Any] = tab.run(f"window.kezekVerify({given(files)}, {options})")
    return answer


# Where the page means to say something else, and what. It is given files, not a folder: what was
# not given is not checked, and said so. It looks at the published lists before the run. And it
# tells a note by its first line: this one is a published order, and holds.
OTHERWISE: dict[str, tuple[str | None, str | None]] = {
    "missing folder": (None, None),
    "missing leaves": (None, None),
    "seed changed": ("draw", "k5"),
    "note that is no receipt": (None, None),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_page_names_what_the_script_names(
    tab: Browser, verify: Verify, tmp_path: Path, fault: Fault
) -> None:
    words = written(fault, tmp_path)

    code, script = verify(*words)
    page = by_page(tab, chosen(fault.asked, tmp_path))

    assert code == 1
    expected = OTHERWISE.get(fault.name, (script["broken"], script["ticket"]))
    assert (page["broken"], page["ticket"]) == expected, (script["text"], page["text"])
    assert page["holds"] is (expected == (None, None))
