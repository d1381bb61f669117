"""Backup and restore of a data folder.

A backup is a folder: tables.sqlite, queues.sqlite, keys.json, issuer.json, clock.json and a
manifest with a digest of each. While tables are copied nothing can enter or leave the queue, so
both show one instant: what a crash at that instant would have left.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local import keyring
from infra.local.messages import Messages
from infra.local.places import Places, read_json, write_whole

MANIFEST = "manifest.json"
_FORMAT = 1
_SMALL = ("keys.json", "record-keys.json", "issuer.json", "clock.json")
_SECRET = frozenset({"keys.json", "record-keys.json", "issuer.json"})


class CannotBackUp(RuntimeError):
    """The engine in use keeps its data where no consistent copy can be taken."""


class BadBackup(ValueError):
    """The folder is not a whole backup; nothing was changed."""


def make(places: Places, database: Path | None, messages: Messages, target: Path) -> dict[str, Any]:
    """Write a backup into a new folder; return its manifest.

    Called in the process that owns the queue. Raises CannotBackUp, or BadBackup where the
    target exists and is not empty.
    """
    if database is None:
        raise CannotBackUp("only the dynoxide engine on disk can be backed up; this one cannot")
    if target.exists() and any(target.iterdir()):
        raise BadBackup(f"{target} is not empty")
    half = target.with_name(f".{target.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True, mode=0o700)
    messages.copy_to(
        half / places.queues.name,
        and_then=lambda: _copy_database(database, half / places.database.name),
    )
    for name in _SMALL:
        if (places.data / name).is_file():
            mode = 0o600 if name in _SECRET else 0o644
            write_whole(half / name, (places.data / name).read_bytes(), mode=mode)
    manifest = {
        "format": _FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {file.name: _described(file) for file in sorted(half.iterdir())},
    }
    write_whole(half / MANIFEST, json.dumps(manifest, indent=2).encode())
    # Only a whole backup ever bears the name that was asked for.
    if target.exists():
        target.rmdir()
    half.rename(target)
    return manifest


def check(source: Path) -> dict[str, Any]:
    """Return the manifest of a whole and undamaged backup. Raises BadBackup."""
    manifest = read_json(source / MANIFEST)
    if manifest.get("format") != _FORMAT:
        raise BadBackup(f"{source} holds no backup of a format this version knows")
    for name, described in manifest["files"].items():
        file = source / name
        if Path(name).name != name or not file.is_file() or _described(file) != described:
            raise BadBackup(f"{name} is missing or differs from the manifest")
    for name in ("tables.sqlite", "queues.sqlite"):
        if name not in manifest["files"]:
            raise BadBackup(f"{name} is missing")
    try:
        keyring.check(source / "keys.json")
    except keyring.OtherKeys as error:
        raise BadBackup(str(error)) from None
    return manifest


def put_in_place(places: Places, source: Path) -> Path:
    """Put a checked backup in the place of the data, while nothing runs on it.

    The data that was there is kept beside, in the folder that is returned; a backup without a
    file (a clock that was never moved) leaves none behind.
    """
    names = ("tables.sqlite", "queues.sqlite", *_SMALL)
    kept = places.data / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    staged = places.data / ".restoring"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True, mode=0o700)
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, staged / name)
            (staged / name).chmod(0o600 if name in _SECRET else 0o644)
            _sync(staged / name)
    kept.mkdir(mode=0o700)
    for name in names:
        for suffix in ("", "-wal", "-shm"):
            there = places.data / f"{name}{suffix}"
            if there.exists():
                there.rename(kept / there.name)
        if (staged / name).exists():
            (staged / name).rename(places.data / name)
    staged.rmdir()
    return kept


def _copy_database(database: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(database, timeout=10.0)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise BadBackup("the copy of the tables is damaged")


def _described(file: Path) -> dict[str, Any]:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"bytes": file.stat().st_size, "sha256": digest}


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
