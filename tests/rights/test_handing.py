"""What a command hands out of families' data is recorded before it leaves, and shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.access.rules import UnknownPurpose
from infra.command import inside, main, place
from infra.local.testing import MORNING
from tests.rights.conftest import Family

# Commands of the machine's keeper that hand nothing of a family out, and why.
SHOW_NOTHING = {
    "serve": "starts Kezek",
    "demo": "plays invented people",
    "status": "says how the parts are",
    "token": "a token of the development issuer; what it reads is recorded as anybody's",
    "restore": "puts a copy back and says how many erasures were repeated",
    "rebuild": "says how many rows were written",
    "erasures replay": "says how many erasures were repeated",
    "keys status": "says which keys there are, never a key",
    "keys rotate": "says how far it is",
    "keys retire": "says what was retired",
    "queue again": "says whether a run decides the same, and at most a public ticket",
    "record refill": "says how many entries were put back",
    "vault check": "says how many values are alike, never a value",
    "vault move": "says how far it is, never a value",
    "run iteration": "says that it is done",
    "run deadlines": "says that it is done",
    "run billing": "says that it is done",
    "run checkpoint": "says that it is done",
    "run record": "says that it is done",
    "ledger check": "says how much was read, and names the first posting or account that is wrong",
    "audit": "reads an export, which was recorded as it was handed out",
}
HANDS_OUT = {
    "backup",
    "breach",
    "queue openings",
    "record export",
    "export journal",
    "export tables",
}


class Local:
    """A running local Kezek, as far as a command asks it."""

    def __init__(self, family: Family) -> None:
        self.family = family

    def now(self) -> Any:
        return self.family.cloud.clock()

    def backup(self, target: Path) -> dict[str, str]:
        return {"target": str(target)}


@pytest.fixture
def local(family: Family, monkeypatch: pytest.MonkeyPatch) -> Local:
    made = Local(family)
    monkeypatch.setattr(place, "control", lambda data: made)
    monkeypatch.setattr(inside, "enter", lambda cloud: None)
    family.cloud.set_clock(MORNING + timedelta(minutes=5))
    return made


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main.run(list(arguments))
    return int(end.value.code or 0)


def shown(family: Family) -> list[tuple[Any, ...]]:
    found = family.looks()["items"]
    return [(one["who"]["roles"], one["purpose"], one["fields"]) for one in found]


def test_every_command_of_the_keeper_shows_nothing_or_is_recorded() -> None:
    keepers = {name for name, who in access.table().commands.items() if who == ("keeper",)}

    assert keepers == SHOW_NOTHING.keys() | HANDS_OUT


def test_a_backup_is_shown_to_every_family(local: Local, family: Family, tmp_path: Path) -> None:
    assert ended("backup", str(tmp_path / "copy")) == 0

    assert shown(family) == [(["keeper"], "daily-work", ["everything"])]
    copy = family.cloud.get(f"{family.place}/copy", token=family.parent).json
    assert copy["sections"]["looks"][0]["fields"] == ["everything"]


def test_an_export_of_tables_is_shown_to_every_family(
    local: Local, family: Family, tmp_path: Path
) -> None:
    assert ended("export", "tables", str(tmp_path / "export"), "--why", "court") == 0

    assert shown(family) == [(["keeper"], "court", ["everything"])]


def test_the_journal_of_one_thing_is_shown_to_its_family_alone(
    local: Local, family: Family, tmp_path: Path
) -> None:
    to = str(tmp_path / "journal.csv")
    stream = "application/application-1"
    assert ended("export", "journal", to, "--stream", stream, "--why", "court") == 0
    assert shown(family) == [(["keeper"], "court", ["record"])]

    assert ended("export", "journal", to, "--stream", "site/site-unknown") == 0
    assert len(shown(family)) == 1
    assert ended("export", "journal", to) == 0
    assert shown(family)[0] in [
        (["keeper"], "inspection", ["everything"]),
        (["keeper"], "court", ["record"]),
    ]
    assert len(shown(family)) == 2


def test_an_auditors_copy_is_recorded_before_anything_is_written(
    local: Local, family: Family, tmp_path: Path
) -> None:
    code = ended("record", "export", str(tmp_path / "record"), "--why", "curiosity")
    assert code == 2 and not (tmp_path / "record").exists() and shown(family) == []

    ended("record", "export", str(tmp_path / "record"))
    assert shown(family) == [(["keeper"], "inspection", ["everything"])]


def test_the_breach_drill_is_a_look_of_its_own(local: Local, family: Family) -> None:
    family.verify()
    subject = access_subject(family)
    stretch = ("--from", "2026-03-02T00:00+00:00", "--to", "2026-03-03T00:00+00:00")
    assert ended("breach", "--actor", subject, *stretch) == 0

    assert (["keeper"], "incident", ["record"]) in shown(family)


def access_subject(family: Family) -> str:
    from chalicelib.access.store import looking

    return next(kept.value.subject for kept in looking.each_look(family.child_id))


def test_what_was_handed_out_before_a_child_was_known_is_not_its(family: Family) -> None:
    before = MORNING - timedelta(days=1)
    access.record_handing(
        None, ("everything",), command="backup", who="keeper", why="daily-work", now=before
    )

    assert shown(family) == []
    with pytest.raises(UnknownPurpose):
        access.record_handing(
            None, (), command="backup", who="keeper", why="curiosity", now=MORNING
        )


def test_handing_out_pages_with_other_looks(family: Family) -> None:
    for minute in range(4):
        at = MORNING + timedelta(minutes=minute)
        family.cloud.set_clock(at)
        family.verify()
        access.record_handing(
            None, ("everything",), command="backup", who="keeper", why="daily-work", now=at
        )
    whole = family.looks(limit="100")["items"]
    found, cursor = [], None
    while True:
        page = family.looks(limit="3", **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == whole and len(whole) == 8
