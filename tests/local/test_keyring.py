"""A data folder whose keys are of another form is refused in one line, before anything starts."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.storage.secrets import new_keyring_file
from infra.command.saying import CommandFailed
from infra.demo.preschool import story
from infra.demo.stage import serving
from infra.local import backup, keyring
from infra.local.places import free_port, project_root

_KEY = base64.b64encode(b"k" * 32).decode()
OLDER = json.dumps({"root": _KEY, "lookup": _KEY})
OTHERS = {
    OLDER: "keys of an older form",
    "": "holds no keys",
    "[]": "holds no keys",
    '{"root": {"1": "AA=="}}': "holds no keys",
    "\x00\x01": "holds no keys",
}


@pytest.mark.parametrize("content", OTHERS)
def test_keys_of_another_form_are_told_apart(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)

    with pytest.raises(keyring.OtherKeys, match=OTHERS[content]):
        keyring.check(file)


def test_todays_keys_and_none_at_all_are_well(tmp_path: Path) -> None:
    keyring.check(tmp_path / "keys.json")
    new_keyring_file(tmp_path / "keys.json")
    keyring.check(tmp_path / "keys.json")


def test_kezek_serve_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(OLDER)
    command = [sys.executable, "-m", "infra.command.main", "serve", "--data", str(tmp_path)]
    command += ["--port", str(free_port())]

    done = subprocess.run(
        command, cwd=project_root(), capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "keys of an older form" in line and "--data" in line
    assert (tmp_path / "keys.json").read_text() == OLDER, "it is nobody's to overwrite"
    assert not (tmp_path / "tables.sqlite").exists()


def test_kezek_demo_says_so_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(OLDER)
    scene = replace(story.SCENE, data=tmp_path)

    with (
        pytest.raises(CommandFailed, match="keys of an older form") as failed,
        serving(scene, port=free_port(), keep=True),
    ):
        pass
    assert "--keep" in failed.value.hint


def test_a_backup_with_keys_of_another_form_is_not_put_back(tmp_path: Path) -> None:
    files = {"tables.sqlite": b"", "queues.sqlite": b"", "keys.json": OLDER.encode()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    described = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    manifest = {"format": backup._FORMAT, "files": described}
    (tmp_path / backup.MANIFEST).write_text(json.dumps(manifest))

    with pytest.raises(backup.BadBackup, match="keys of an older form"):
        backup.check(tmp_path)
