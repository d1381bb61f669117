"""`kezek record …`: the public record out of Kezek, for those who check it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.command import inside, place
from infra.command.handing import Why, hand_out
from infra.command.saying import REFUSED, USAGE, CommandFailed, progress, say, say_json

commands = typer.Typer(
    no_args_is_help=True,
    help="The public record: a log of every change that shows any edit, loss or reordering.",
)


@commands.command("export")
def export_record(
    folder: Annotated[Path, typer.Argument(help="New folder for the record.")],
    data: Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")] = None,
    why: Why = "inspection",
    as_json: Annotated[bool, typer.Option("--json", help="Answer for programs.")] = False,
) -> None:
    """An auditor's copy: checkpoints, tiles, and what every entry was made of.

    Pseudonymous, but whole: hand it to auditors only. Every family is shown that it was made.
    Check it with `python3 verify/kezek_verify.py bundle FOLDER --keys FILE`.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CommandFailed(f"{folder} is not empty", code=USAGE)
    hand_out(place.control(data), "record export", ("everything",), why=why, children=None)
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


@commands.command("refill")
def refill(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare only.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")] = None,
    here: Annotated[bool, typer.Option("--here", help="Use this process's own settings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer for programs.")] = False,
) -> None:
    """Make the log's rows anew from the journal, in the order that was published, to the byte.

    Compares everything first and changes nothing where anything differs.
    """
    if not here:
        inside.enter(place.control(data))
    from chalicelib.kernel.refusals import Refusal
    from infra import refilling

    with progress("refilling", quiet=as_json) as bar:
        try:
            told = refilling.run(dry=dry_run, told=bar.at)
        except refilling.NothingPublished as error:
            raise CommandFailed(
                "nothing was published: there is no order to keep",
                hint="kezek run record puts the journal into a new log",
                code=REFUSED,
            ) from error
        except Refusal as refusal:
            facts = ", ".join(f"{name} {value}" for name, value in refusal.facts.items())
            raise CommandFailed(
                f"{refusal.code}: {facts}",
                hint="docs/operations.md, \u201cA lost log\u201d",
                code=REFUSED,
            ) from refusal
    if as_json:
        say_json(told)
    else:
        for name, value in told.items():
            say(f"{name}: {value}")
