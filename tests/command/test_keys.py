"""`kezek keys`: new keys for a running Kezek, interrupted and taken up again; or in a ring file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.storage import secrets, vault
from chalicelib.storage.commit import Put, commit
from chalicelib.storage.vault import ring, rotation
from infra.command import keys, main
from infra.local.testing import TestCloud


@pytest.fixture
def running(
    cloud: TestCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestCloud]:
    """A Kezek in this process, with a ring of its own; its queue works while the command waits."""
    file = tmp_path / "keys.json"
    secrets.new_keyring_file(file)
    monkeypatch.setenv("KEZEK_KEYS_FILE", str(file))
    monkeypatch.setattr(keys, "_enter", lambda data: file)
    monkeypatch.setattr(keys.time, "sleep", lambda seconds: cloud.drain())
    for n in range(20):
        commit(vault.seal(f"CHILD#{n}", {"iin": f"{n:012d}", "surname": "Аметист"}))
    yield cloud
    secrets.forget_keyring()


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main.run(["keys", *arguments])
    return int(end.value.code or 0)


def step() -> str:
    return ring.step_of(secrets.keyring()).value


def test_keys_are_rotated_and_retired(running: TestCloud, capsys) -> None:
    assert ended("rotate", "--settle", "0") == 0
    assert step() == "leading"
    assert rotation.wrapped_by() == {"2": 20}
    assert ended("status") == 0
    assert "lookup 2: leads, claimed" in capsys.readouterr().out

    assert ended("retire", "--settle", "0") == 0

    assert step() == "quiet"
    assert vault.open_fields("CHILD#7") == {"iin": "000000000007", "surname": "Аметист"}


def test_a_second_rotation_follows_the_first(running: TestCloud) -> None:
    for _ in range(2):
        assert ended("rotate", "--settle", "0") == 0
        assert ended("retire", "--settle", "0") == 0

    assert list(secrets.keyring().root) == ["3"]
    assert rotation.wrapped_by() == {"3": 20}


def test_an_interrupted_rotation_is_taken_up_where_it_was(
    running: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keys, "_pass", killed)
        assert ended("rotate", "--settle", "0") == 130
    assert step() == "sealing"

    assert ended("rotate", "--settle", "0") == 0

    assert step() == "leading"
    assert list(secrets.keyring().root) == ["1", "2"], "no third key was made"


def test_nothing_is_retired_before_it_was_rotated(running: TestCloud, capsys) -> None:
    assert ended("retire", "--settle", "0") == 1
    assert "nothing to retire" in capsys.readouterr().err
    assert step() == "quiet"


def test_retiring_is_refused_while_anything_uses_the_old_key(
    running: TestCloud, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    old = vault.DataKeyRow.get("KEY#CHILD#1", "-")
    assert ended("rotate", "--settle", "0") == 0
    real = keys._pass

    def then_an_old_copy_comes_back(label: str, quiet: bool) -> None:
        real(label, quiet)
        commit([Put(vault.DataKeyRow(old.pk, old.sk, wrapped=old.wrapped, wrapped_by="1"))])

    with monkeypatch.context() as patched:
        patched.setattr(keys, "_pass", then_an_old_copy_comes_back)
        assert ended("retire", "--settle", "0") == 1
    said = capsys.readouterr().err
    assert "root 1 wraps 1 data keys" in said
    assert step() == "retiring"

    assert ended("retire", "--settle", "0") == 0
    assert vault.open_fields("CHILD#1")["surname"] == "Аметист"


def test_status_for_programs(running: TestCloud, capsys) -> None:
    assert ended("status", "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["step"], told["seals"], told["wrapped"]) == ("quiet", "1", {"1": 20})
    assert not set(told) & {"root", "names"}


def test_a_ring_file_takes_one_step_at_a_time_and_waits(tmp_path: Path, capsys) -> None:
    file = tmp_path / "ring.json"
    secrets.write_keyring(file, secrets.new_keyring())

    assert ended("rotate", "--ring", str(file)) == 0
    assert "quiet → announced" in capsys.readouterr().out
    assert ended("rotate", "--ring", str(file)) == 1, "16 minutes have not passed"
    assert "keys-too-early" in capsys.readouterr().err
    for name in ("rotate", "rotate", "retire", "retire"):
        assert ended(name, "--ring", str(file), "--settle", "0") == 0

    assert ring.step_of(secrets.unpacked(file.read_bytes())).value == "quiet"
    assert ended("retire", "--ring", str(file), "--settle", "0") == 1
    assert file.stat().st_mode & 0o077 == 0


def test_what_is_no_ring_is_said_in_one_line(tmp_path: Path, capsys) -> None:
    file = tmp_path / "ring.json"
    file.write_text("{}")

    assert ended("rotate", "--ring", str(file)) == 2
    assert "no ring in" in capsys.readouterr().err
