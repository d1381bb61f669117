"""The planted faults, read from tests/zoo/faults/*.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FAULTS = Path(__file__).with_name("faults")


@dataclass(frozen=True, slots=True)
class Fault:
    """One slip: in a file, `find` becomes `put`; `tests` must notice. breaks: the promise's id."""

    family: str
    name: str
    breaks: str
    file: str
    find: str
    put: str
    tests: tuple[str, ...]


def every_fault() -> list[Fault]:
    """Return all faults, by family and in the order they are written down."""
    return [
        Fault(
            path.stem,
            said["name"],
            said["breaks"],
            said["file"],
            said["find"],
            said["put"],
            tuple(said["tests"]),
        )
        for path in sorted(_FAULTS.glob("*.toml"))
        for said in tomllib.loads(path.read_text("utf-8"))["fault"]
    ]
