"""`kezek breach`: whose data somebody saw, for whom the law gives one working day."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.command import inside, place
from infra.command.handing import Why, hand_out
from infra.command.saying import USAGE, CommandFailed, note, progress, say, say_json

Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]
Instant = Annotated[
    str, typer.Option("--from", help="First instant, with an offset: 2026-09-01T08:00+05:00.")
]


def breach(
    since: Instant,
    until: Annotated[str, typer.Option("--to", help="First instant after, with an offset.")],
    actor: Annotated[str | None, typer.Option(help="Pseudonymous subject of a caller.")] = None,
    session: Annotated[str | None, typer.Option(help="A sign-in's id.")] = None,
    device: Annotated[str | None, typer.Option(help="Id of a tablet.")] = None,
    to: Annotated[Path | None, typer.Option("--file", help="Save the children as CSV.")] = None,
    acts: Annotated[bool, typer.Option(help="Search the journal for changes too.")] = True,
    why: Why = "incident",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Whose data a caller, a sign-in or a tablet saw, and which families must be told."""
    named = [one for one in (actor, session, device) if one]
    if len(named) != 1:
        raise CommandFailed("name one of --actor, --session, --device", code=USAGE)
    first, last = _instant(since), _instant(until)
    cloud = place.control(data)
    inside.enter(cloud)
    from chalicelib.edge.tables import csv_file
    from chalicelib.rights.actions import breaching

    with progress("looking", quiet=as_json):
        found = breaching.exposed(
            subject=actor or device,
            session=session,
            since=first,
            until=last,
            now=cloud.now(),
            acts=acts,
        )
    named = [child.child_id for child in found.children]
    hand_out(cloud, "breach", ("record",), why=why, children=named)
    rows = [child.cells() for child in found.children]
    if to is not None:
        to.write_bytes(csv_file(breaching.HEADINGS, rows))
    told: dict[str, Any] = {
        "subjects": list(found.subjects),
        "from": found.since,
        "to": found.until,
        "looks": found.looks,
        "changes": found.acts,
        "children": len(rows),
        "persons": list(found.persons),
        "tell_by": found.tell_by,
        "file": str(to) if to else None,
        "rows": [dict(zip(breaching.HEADINGS, row, strict=True)) for row in rows],
    }
    if as_json:
        say_json(told)
        return
    say(f"{len(rows)} children, {len(found.persons)} persons to be told by {found.tell_by}")
    say(f"{found.looks} looks and {found.acts} changes from {found.since} to {found.until}")
    if to is None:
        for row in rows:
            say(" ".join(str(cell) for cell in row if cell is not None))
        note("--file saves this as a table")


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CommandFailed(
            f"{text!r} is no instant with an offset", hint="2026-09-01T08:00+05:00", code=USAGE
        )
    return at
