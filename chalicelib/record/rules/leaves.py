"""What of a journal row becomes a leaf of the log, and what of it may be told to whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.journal.rules import FIRST, UNCHAINED

UPLOADS = "EVIDENCE#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One journal row in the log.

    name: its key in the journal; digest: what the log holds of it; event, stream, at, area: for
    the change feed; before: the number of its stream's entry before it, None where that is none.
    """

    name: tuple[str, str]
    digest: bytes
    event: str
    stream: str
    at: str
    area: str | None = None
    before: int | None = None


def number_before(text: str) -> int | None:
    """Return the number of the entry that `before` names; None where it names none."""
    if text in (FIRST, UNCHAINED):
        return None
    return int(text.partition(":")[0])


def predecessors(leaves: Iterable[Leaf]) -> list[tuple[str, str]]:
    """Return the names of entries that are to stand in the log before these, and are not here."""
    here = {leaf.name for leaf in leaves}
    wanted = ((leaf.name[0], f"{leaf.before:012d}") for leaf in leaves if leaf.before is not None)
    return [name for name in dict.fromkeys(wanted) if name not in here]


def in_order(leaves: Sequence[Leaf]) -> list[Leaf]:
    """Return leaves once each, those of one stream by number, otherwise as they came."""
    unique = list({leaf.name: leaf for leaf in leaves}.values())
    waiting: dict[str, list[Leaf]] = {}
    for leaf in sorted(unique, key=lambda leaf: leaf.name, reverse=True):
        waiting.setdefault(leaf.name[0], []).append(leaf)
    return [waiting[leaf.name[0]].pop() for leaf in unique]
