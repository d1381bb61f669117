"""The reference in docs/api.md, made from what the routes registered: `python -m infra.apidoc`.

`--check` changes nothing and ends with 1 when the page is out of date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "api.md"
BEGIN, END = "<!-- reference: begin -->", "<!-- reference: end -->"
# What any operation may answer is told once, in the page's introduction.
COMMON = frozenset(
    {
        "kezek/sign-in",
        "kezek/bad-token",
        "kezek/issuer-silent",
        "kezek/not-your-role",
        "kezek/incompatible-roles",
        "kernel/bad-id",
        "kezek/bad-field",
        "kezek/not-json",
        "kezek/wrong-content-type",
        "kezek/too-large",
        "kezek/store-silent",
        "kezek/unknown",
    }
)


def page(old: str) -> str:
    """Return the page with its reference made anew; what people wrote around it stays."""
    head, begun, rest = old.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"{PAGE.name} has lost its markers")
    return f"{head}{BEGIN}\n\n{reference()}\n{END}{tail}"


def reference() -> str:
    """Return every operation by slice: who may, what it asks, what it refuses."""
    import app  # noqa: F401 — the switchboard says which slices there are
    from chalicelib.edge.routes import operations

    by_slice = sorted(operations(), key=lambda o: (o.slice_name, o.path, o.method))
    lines: list[str] = []
    for slice_name, offered in groupby(by_slice, key=lambda o: o.slice_name):
        lines += [f"### {slice_name}", ""]
        for operation in offered:
            lines += [*_told(operation), ""]
    return "\n".join(lines)


def _told(operation: Any) -> Iterator[str]:
    from chalicelib.access import actions as access
    from chalicelib.edge.openapi import refusals_of

    summary = operation.doc.partition("\n")[0]
    roles = sorted(role.value for role in access.roles_of(operation.action))
    yield f"**`{operation.method} {operation.path}`** {summary}"
    yield f"- who: {', '.join(roles)}"
    if operation.query is not None:
        yield f"- query: {_fields(operation.query)}"
    if operation.asks is bytes:
        yield f"- asks: a file, {operation.body_media}"
    elif operation.asks is not None:
        yield f"- asks: {_fields(operation.asks)}"
    if operation.media != "application/json":
        yield f"- answers: {operation.media}"
    elif operation.answers is None:
        yield "- answers: 204, nothing"
    said = []
    for status, refusals in refusals_of(operation).items():
        codes = sorted({r.code for r in refusals} - COMMON)
        if codes:
            said.append(f"{status} {', '.join(f'`{code}`' for code in codes)}")
    if said:
        yield f"- refuses: {'; '.join(said)}"


def _fields(kind: Any) -> str:
    """Return a struct's fields in one line, those that may be left out with a question mark."""
    names = [
        f"`{field.encode_name}{'' if field.required else '?'}`"
        for field in msgspec.structs.fields(kind)
    ]
    return ", ".join(names) or "an empty object"


def main(given: Sequence[str]) -> int:
    """Refresh the page, or check it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.apidoc", description=__doc__)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args(given)
    old = PAGE.read_text("utf-8")
    new = page(old)
    if asked.check:
        if new != old:
            sys.stderr.write(f"{PAGE.name} is out of date: python -m infra.apidoc\n")
        return int(new != old)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
