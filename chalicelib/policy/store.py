"""Pack files: those that ship with the code, and those of one more folder beside them.

A pack is `programme-area.toml`, with `calendar-*.toml` beside. The environment's KEZEK_PACKS names
a folder with packs of an operator's own: an area or a programme comes without a change of code. A
file there never takes the place of one that ships.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from chalicelib.policy.rules import Pack
from chalicelib.policy.rules.files import read_pack
from chalicelib.policy.rules.reading import BrokenPack, Problem

_CALENDAR = "calendar-"
_VERSION = re.compile(r"[a-z-]+/[a-z-]+@[0-9a-f]{12}")
_VARIABLE = "KEZEK_PACKS"


def extra_folder() -> str | None:
    """Return the folder of additional packs, None without one."""
    return os.environ.get(_VARIABLE) or None


def list_files(folder: str | None = None) -> tuple[str, ...]:
    """Return the names of all pack files in order; calendars are not packs.

    folder: additional packs. Raises BrokenPack when there is no such folder, or when it names a
    file that ships.
    """
    shipped = _packs_among(entry.name for entry in _shipped().iterdir())
    if folder is None:
        return shipped
    try:
        extra = _packs_among(entry.name for entry in Path(folder).iterdir())
    except OSError as error:
        cure = f"let {_VARIABLE} name a folder that can be read"
        raise BrokenPack([Problem(folder, 1, "no folder of packs", cure)]) from error
    doubled = [
        Problem(str(Path(folder, name)), 1, f"{name} ships with Kezek", "name another area")
        for name in extra
        if name in shipped
    ]
    if doubled:
        raise BrokenPack(doubled)
    return tuple(sorted(shipped + extra))


def load_file(file: str, folder: str | None = None) -> Pack:
    """Return the pack in one of `list_files`. Raises BrokenPack."""
    text = find_text(file, folder)
    if text is None:
        raise FileNotFoundError(file)
    return read_pack(text, file, find_text=lambda name: find_text(name, folder))


def load_was(version: str, folder: str | None = None) -> Pack | None:
    """Return the pack that lies under `was/` for a version, None where none does.

    Its folder is named by the version with a hyphen for the slash, and holds the pack's file and,
    where that has changed since, its calendar's. Raises BrokenPack.
    """
    if not _VERSION.fullmatch(version):
        return None
    slug = version.replace("/", "-")
    file = f"{slug.partition('@')[0]}.toml"
    text = find_text(f"was/{slug}/{file}", folder)
    if text is None:
        return None
    return read_pack(
        text,
        file,
        find_text=lambda name: find_text(f"was/{slug}/{name}", folder) or find_text(name, folder),
    )


def find_text(file: str, folder: str | None = None) -> str | None:
    """Return the text of a file that ships, else of one in the additional folder, else None.

    Raises BrokenPack for a text that is not UTF-8.
    """
    places: list[Traversable] = [_shipped()]
    if folder is not None:
        places.append(Path(folder))
    for place in places:
        try:
            return place.joinpath(file).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except UnicodeDecodeError as error:
            wrong = Problem(file, 1, "not readable as UTF-8", "save the file in UTF-8")
            raise BrokenPack([wrong]) from error
    return None


def _shipped() -> Traversable:
    return resources.files(__package__).joinpath("packs")


def _packs_among(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(n for n in names if n.endswith(".toml") and not n.startswith(_CALENDAR)))
