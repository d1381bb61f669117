"""Exports of tables, as DynamoDB writes them: gzipped lines of JSON and a manifest of the files.

    FOLDER/attendance/AWSDynamoDB/<id>/manifest-files.json
    FOLDER/attendance/AWSDynamoDB/<id>/data/*.json.gz       {"Item": {"pk": {"S": "…"}, …}}

and the same for `money` and `facts`. A full export of the three tables to S3, copied into one
folder, is such a folder; `kezek export tables` writes one from the local Kezek.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from chalicelib.storage.commit import Put

TABLES = ("facts", "attendance", "money")
_ROOT = "AWSDynamoDB"
_MANIFEST = "manifest-files.json"
_OWN = "kezek"


class NotWhole(ValueError):
    """The export lacks a table or a file, or a file is not what the manifest says."""


@dataclass(frozen=True, slots=True)
class Table:
    """The files of one table."""

    name: str
    files: tuple[Path, ...]
    items: int


def tables_in(folder: Path) -> dict[str, Table]:
    """Return the tables of an export whose files are all there and unchanged. Raises NotWhole."""
    return {name: _table(folder, name) for name in TABLES}


def _table(folder: Path, name: str) -> Table:
    manifests = sorted((folder / name).rglob(_MANIFEST))
    if len(manifests) != 1:
        raise NotWhole(f"{folder / name}: {len(manifests)} manifests of a table, one is needed")
    (manifest,) = manifests
    files: list[Path] = []
    items = 0
    for line in manifest.read_text("utf-8").splitlines():
        try:
            said = json.loads(line)
            file = manifest.parent / "data" / Path(said["dataFileS3Key"]).name
            count, digest = int(said["itemCount"]), str(said["md5Checksum"])
        except (ValueError, KeyError, TypeError) as error:
            raise NotWhole(f"{manifest}: not a manifest of files") from error
        if not file.is_file():
            raise NotWhole(f"{file}: missing")
        if _md5(file) != digest:
            raise NotWhole(f"{file}: not the file that was exported")
        if count:
            files.append(file)
            items += count
    return Table(name, tuple(files), items)


def _md5(file: Path) -> str:
    """Return the digest that DynamoDB's manifest gives; it guards against accident only."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False))
    return base64.b64encode(digest.digest()).decode()


def dump(folder: Path) -> dict[str, int]:
    """Write the tables that this process's environment names; return how many rows each had."""
    from chalicelib.storage import client
    from chalicelib.storage.rows import table_name

    if folder.exists() and any(folder.iterdir()):
        raise NotWhole(f"{folder} is not empty")
    told = dict.fromkeys(TABLES, 0)
    with Writer(folder, 0) as out:
        for name in TABLES:
            out.begin(name)
            start: dict[str, Any] = {}
            while True:
                answer = client.client().scan(
                    TableName=table_name(name), ConsistentRead=True, **start
                )
                for item in answer["Items"]:
                    out.add(name, item)
                    told[name] += 1
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    Writer.seal(folder)
    return told


class Writer:
    """Writes one part of each table; `seal` puts the manifests beside them when all are there."""

    def __init__(self, folder: Path, part: int) -> None:
        self.folder, self.part = folder, part
        self.open: dict[str, gzip.GzipFile] = {}
        self.counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, file in self.open.items():
            file.close()
            note = self._file(name).with_suffix(".count")
            note.write_text(str(self.counts[name]), "utf-8")

    def put(self, put: Put) -> None:
        """Add the row that a write describes."""
        self.add(type(put.row).logical, put.row.serialize())

    def add(self, table: str, item: dict[str, Any]) -> None:
        """Add one row of a table, in DynamoDB's own JSON."""
        self.begin(table)
        self.open[table].write(msgspec.json.encode({"Item": item}) + b"\n")
        self.counts[table] += 1

    def begin(self, table: str) -> None:
        """Open a table's part, so that one without rows has a file too."""
        if table in self.open:
            return
        file = self._file(table)
        file.parent.mkdir(parents=True, exist_ok=True)
        self.open[table] = gzip.open(file, "wb", compresslevel=1)  # noqa: SIM115
        self.counts[table] = 0

    def _file(self, table: str) -> Path:
        return self.folder / table / _ROOT / _OWN / "data" / f"part-{self.part:04d}.json.gz"

    @staticmethod
    def seal(folder: Path) -> None:
        """Write the manifests of all parts."""
        for name in TABLES:
            place = folder / name / _ROOT / _OWN
            lines = []
            for file in sorted((place / "data").glob("*.json.gz")):
                note = file.with_suffix(".count")
                said = {
                    "itemCount": int(note.read_text("utf-8")),
                    "md5Checksum": _md5(file),
                    "dataFileS3Key": f"{_ROOT}/{_OWN}/data/{file.name}",
                }
                note.unlink()
                lines.append(json.dumps(said))
            place.mkdir(parents=True, exist_ok=True)
            (place / _MANIFEST).write_text("".join(f"{line}\n" for line in lines), "utf-8")
