"""What a story must give, what it gave, and how both are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.demo.stage import Stage
from infra.imports.running import Result


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what came out beside what follows from the sample's construction."""

    name: str
    found: Any
    expected: Any

    @property
    def right(self) -> bool:
        return bool(self.found == self.expected)


@dataclass(frozen=True, slots=True)
class Caught:
    """A planted trouble and what became of it; how is None when it went unnoticed."""

    id: str
    kind: str
    where: str
    how: str | None


def troubles(
    planted: Iterable[Mapping[str, Any]],
    results: Mapping[str, Result],
    caught: Mapping[str, str],
    elsewhere: str,
) -> list[Caught]:
    """Return every planted trouble and where it was caught.

    results: file → what its import refused; caught: id → how, of trouble that was played.
    """
    refused = {(name, one.line): one for name, result in results.items() for one in result.refused}
    found = []
    for one in planted:
        how = caught.get(one["id"])
        where = f"{one['file']}:{one['line']}" if one["file"] else elsewhere
        row = refused.get((one["file"], one["line"]))
        if row is not None and row.code in one["codes"]:
            how = row.reason("en")
        found.append(Caught(one["id"], one["kind"], where, how))
    return found


@dataclass(slots=True)
class Page:
    """Prints tables as the story's end has them."""

    console: Any

    @classmethod
    def new(cls) -> Page:
        """Return a page on the output."""
        from rich.console import Console

        return cls(Console(highlight=False))

    def table(self, title: str, rows: Sequence[tuple[str, Any]], note: str = "") -> None:
        """Print a table of two columns."""
        self.wide(title, (), rows, note)

    def wide(
        self, title: str, heads: Sequence[str], rows: Sequence[tuple[Any, ...]], note: str = ""
    ) -> None:
        """Print a table; heads: of its columns, none shown when empty."""
        from rich.table import Table

        shown = Table(
            title=title, show_header=bool(heads), title_justify="left", caption=note or None
        )
        for place in range(len(rows[0]) if rows else len(heads)):
            head = heads[place] if heads else ""
            shown.add_column(head, justify="right" if place else "left", overflow="fold")
        for row in rows:
            shown.add_row(*(as_text(cell) for cell in row))
        self.console.print(shown)

    def caught(self, caught: Sequence[Caught]) -> None:
        """Print the planted troubles and what became of each."""
        self.table(
            f"Planted troubles: {sum(c.how is not None for c in caught)} of {len(caught)} caught",
            [(f"{c.id} {c.kind} ({c.where})", c.how or "NOT CAUGHT") for c in caught],
        )

    def way(self, stage: Stage, seconds: float, uploads: int) -> None:
        """Print how long each act took."""
        self.table(
            "The way there",
            [
                *((f"{name}", f"{s:.0f} s, {n} requests") for name, s, n in stage.acts),
                ("in all", f"{seconds:.0f} s, {stage.calls} requests and {uploads} uploads"),
                *units(stage),
            ],
        )

    def judge(self, figures: Sequence[Figure]) -> bool:
        """Print which figures are off; return whether all are as expected."""
        wrong = [figure for figure in figures if not figure.right]
        for figure in wrong:
            self.console.print(
                f"NOT AS EXPECTED {figure.name}: {figure.found}, expected {figure.expected}"
            )
        self.console.print(f"{len(figures) - len(wrong)} of {len(figures)} figures as expected")
        return not wrong


def units(stage: Stage) -> list[tuple[str, str]]:
    """Return the capacity units the cloud counted, where it counts them."""
    counted = stage.control.status().get("capacity")
    if not isinstance(counted, dict):
        return []
    found: Counter[str] = Counter()
    for entry in counted.values():
        if isinstance(entry, dict):
            found.update({k: v for k, v in entry.items() if isinstance(v, int | float)})
    return [(f"capacity units: {name}", f"{value:,.0f}") for name, value in sorted(found.items())]


def tenge(tiyn: int) -> str:
    """Return a sum in whole tenge, thousands apart."""
    return f"{tiyn / 100:,.0f}".replace(",", " ")


def as_text(value: Any) -> str:
    """Return a value as the tables show it."""
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)
