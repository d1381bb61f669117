"""`kezek erasures …`: what was erased must not come back with a restored copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.command import inside, place
from infra.command.saying import USAGE, CommandFailed, progress, say, say_json
from infra.local.control import Control
from infra.local.places import Places

if TYPE_CHECKING:
    from chalicelib.rights.rules import Erased

commands = typer.Typer(no_args_is_help=True, help="The erasure list: kept apart, repeated.")
Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]


@commands.command("replay")
def replay(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of erasures/*.json; the local Kezek's files when left out."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Erase again what a restored copy brought back. Safe to repeat."""
    cloud = place.control(data)
    with progress("erasing again", quiet=as_json):
        told = again(cloud, folder)
    if as_json:
        say_json(told)
    else:
        say(f"{told['listed']} on the list, {told['erased']} had come back and are erased again")


def again(cloud: Control, folder: Path | None = None) -> dict[str, Any]:
    """Repeat every erasure of the list: of a folder's files, and of the table of keys."""
    inside.enter(cloud)
    from chalicelib.kernel.actors import system
    from chalicelib.rights.actions import erasing

    entries = read(folder or Places(cloud.data).files / "erasures")
    now = cloud.now()
    known = {(entry.child_id, entry.at) for entry in entries}
    entries += [e for e in erasing.erased_list(now) if (e.child_id, e.at) not in known]
    done = erasing.replay(entries, by=system("erasures"), now=now)
    return {"listed": done.listed, "erased": done.erased}


def read(folder: Path) -> list[Erased]:
    """Return the erasures a folder lists, oldest first. Raises CommandFailed for one unreadable."""
    from chalicelib.rights.rules import Erased

    found: list[Erased] = []
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            said = json.loads(file.read_text("utf-8"))
            found.append(Erased(said["child_id"], tuple(said["persons"]), said["at"]))
        except (ValueError, KeyError, TypeError) as error:
            raise CommandFailed(f"{file} is no entry of an erasure list", code=USAGE) from error
    return found
