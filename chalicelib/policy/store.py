"""Pack files as they ship with the code: `programme-area.toml`, with `calendar-*.toml` beside."""

from __future__ import annotations

from importlib import resources

from chalicelib.policy.rules import Pack
from chalicelib.policy.rules.files import read_pack

_CALENDAR = "calendar-"


def list_files() -> tuple[str, ...]:
    """Return the names of all pack files in order; calendars are not packs."""
    names = (entry.name for entry in resources.files(__package__).joinpath("packs").iterdir())
    return tuple(sorted(n for n in names if n.endswith(".toml") and not n.startswith(_CALENDAR)))


def load_file(file: str) -> Pack:
    """Return the pack in one of `list_files`. Raises BrokenPack."""
    text = find_text(file)
    if text is None:
        raise FileNotFoundError(file)
    return read_pack(text, file, find_text=find_text)


def find_text(file: str) -> str | None:
    """Return the text of a file in the packs' folder, None without one."""
    try:
        return resources.files(__package__).joinpath("packs", file).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
