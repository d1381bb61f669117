"""The table in docs/access.md, made from chalicelib/access/table.toml: `python -m infra.accessdoc`.

`--check` changes nothing and ends with 1 when the page is out of date.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from chalicelib.access import actions as access
from chalicelib.access.rules import Apart, Row

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "access.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def page(old: str) -> str:
    """Return the page with its tables made anew; what people wrote around them stays."""
    head, begun, rest = old.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"{PAGE.name} has lost its markers")
    return f"{head}{BEGIN}\n\n{tables()}\n{END}{tail}"


def tables() -> str:
    """Return who may do what, what no one person does, what runs by itself, and the commands."""
    table = access.table()
    lines: list[str] = []
    rows = sorted(table.rows.values(), key=lambda row: row.action)
    for name, found in groupby(rows, key=lambda row: row.action.partition("/")[0]):
        lines += [f"### {name}", "", "| Action | Who, and whose | Besides |", "|---|---|---|"]
        lines += [_row(row) for row in found] + [""]
    lines += ["### What no one person does", "", "| | One hand | The other | Kept apart |"]
    lines += ["|---|---|---|---|"]
    lines += [_apart(name, one) for name, one in sorted(table.apart.items())] + [""]
    lines += ["### What runs by itself", ""]
    reach = defaultdict(list)
    for job, way in sorted(table.jobs.items()):
        reach[way.value].append(f"`{job}`")
    lines += [f"- reaches {way}: {', '.join(jobs)}" for way, jobs in sorted(reach.items())]
    lines += ["", "### Commands", "", "| Command | Who |", "|---|---|"]
    lines += [f"| `kezek {name}` | {', '.join(who)} |" for name, who in table.commands.items()]
    return "\n".join([*lines, ""])


def _row(row: Row) -> str:
    by_way: dict[str, list[str]] = defaultdict(list)
    for role, ways in row.reach.items():
        by_way[" or ".join(way.value for way in ways)].append(role.value)
    who = "; ".join(f"{', '.join(roles)}: {way}" for way, roles in by_way.items())
    besides = [
        *(["strong, fresh sign-in"] if row.step_up else []),
        *([f"a second person within {row.second} minutes"] if row.second is not None else []),
        *(["each look is recorded"] if row.looks else []),
        *(["with a purpose"] if row.says_why else []),
    ]
    return f"| {row.action.partition('/')[2]} | {who} | {'; '.join(besides)} |"


def _apart(name: str, hands: Apart) -> str:
    pairs = sorted(" + ".join(sorted(pair)) for pair in hands.roles)
    kept = [
        *([f"no token carries {', '.join(pairs)}"] if pairs else []),
        *([f"`{hands.says}`"] if hands.says else []),
    ]
    one, other = (", ".join(f"`{a}`" for a in actions) for actions in (hands.one, hands.other))
    return f"| {name} | {one} | {other} | {'; '.join(kept)} |"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.accessdoc", description=__doc__)
    parser.add_argument("--check", action="store_true", help="Change nothing; 1 when out of date.")
    asked = parser.parse_args(argv)
    old = PAGE.read_text("utf-8")
    new = page(old)
    if asked.check:
        return int(new != old)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
