"""`kezek record …`: the public record out of Kezek, for those who check it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.command import inside, place
from infra.command.saying import REFUSED, USAGE, CommandFailed, progress, say, say_json

commands = typer.Typer(
    no_args_is_help=True,
    help="The public record: a log of every change that shows any edit, loss or reordering.",
)


@commands.command("export")
def export_record(
    folder: Annotated[Path, typer.Argument(help="New folder for the record.")],
    data: Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer for programs.")] = False,
) -> None:
    """An auditor's copy: checkpoints, tiles, and what every entry was made of.

    Pseudonymous, but whole: hand it to auditors only. Check it with
    `python3 verifier/kezek_verify.py bundle FOLDER --keys FILE`.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CommandFailed(f"{folder} is not empty", code=USAGE)
    inside.enter(place.control(data))
    from infra import record

    with progress("writing the record", quiet=as_json):
        try:
            told = record.export(folder)
        except record.NothingPublished as error:
            raise CommandFailed(
                "nothing is published yet", hint="kezek run record", code=REFUSED
            ) from error
    if as_json:
        say_json({"folder": str(folder), **told})
    else:
        say(f"{told['entries']} entries, {told['checkpoints']} checkpoints in {folder}")
    if told["lost"]:
        raise CommandFailed(f"{told['lost']} entries are not in the journal", code=REFUSED)
