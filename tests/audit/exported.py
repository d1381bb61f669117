"""Exports as short as the sentence that needs them, and faults planted in them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from chalicelib.kernel.periods import Month
from infra.audit.comparing import Audit, audit
from infra.audit.exports import Writer
from infra.audit.generating import Asked, generate

SEPTEMBER = Month(2026, 9)
CHECKED = date(2026, 10, 13)
Item = dict[str, Any]


def a_month(folder: Path, *, children: int = 720, sites: int = 24, seed: int = 1) -> dict[str, int]:
    """Write the export of an invented September."""
    asked = Asked(folder=folder, children=children, sites=sites, month=SEPTEMBER, seed=seed)
    return generate(asked, workers=1)


def audited(folder: Path, month: Month = SEPTEMBER, today: date = CHECKED) -> Audit:
    return audit(folder, month, today=today)


def items(folder: Path, table: str) -> list[Item]:
    """Return all rows of a table of an export."""
    found = []
    for file in sorted((folder / table).rglob("*.json.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            found += [json.loads(line)["Item"] for line in lines]
    return found


def change(folder: Path, table: str, how: Callable[[Item], Item | None]) -> int:
    """Rewrite a table row by row (None drops one) with true manifests; return how many changed."""
    changed = 0
    rows = {name: items(folder, name) for name in ("facts", "attendance", "money")}
    for old in folder.rglob("*.json.gz"):
        old.unlink()
    with Writer(folder, 0) as out:
        for name, of_table in rows.items():
            out.begin(name)
            for item in of_table:
                new = how(json.loads(json.dumps(item))) if name == table else item
                changed += new != item
                if new is not None:
                    out.add(name, new)
    Writer.seal(folder)
    return changed


def once(wanted: Callable[[Item], bool], how: Callable[[Item], Item | None]) -> Any:
    """Return a change of the first row that is wanted."""
    done: list[str] = []

    def one(item: Item) -> Item | None:
        if done or not wanted(item):
            return item
        done.append(item["pk"]["S"])
        return how(item)

    return one


def body_of(item: Item) -> dict[str, Any]:
    return dict(json.loads(item["body"]["S"]))


def with_body(item: Item, **said: Any) -> Item:
    return {**item, "body": {"S": json.dumps({**body_of(item), **said}, separators=(",", ":"))}}
