"""`kezek vault`: where sealed fields lie, and their move into PostgreSQL or back.

    check    opens everything and counts it; changes nothing, shows no value
    move     moves what still lies in the other place, then checks

Both work beside a running Kezek whose `KEZEK_VAULT` is this process's own. Interrupted, the same
command goes on; made again, it changes nothing.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from chalicelib.kernel.refusals import Refusal
from infra.command import inside, place
from infra.command.saying import REFUSED, UNAVAILABLE, USAGE, CommandFailed, progress, say, say_json

commands = typer.Typer(no_args_is_help=True, help="Sealed fields: look, move, check.")

Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]
Here = Annotated[
    bool,
    typer.Option("--here", help="Use this process's own settings, as a function in AWS has them."),
]


@commands.command()
def check(data: Data = None, here: Here = False, as_json: Json = False) -> None:
    """Open everything and say what lies where; exit code 1 when something is lost or broken."""
    _enter(data, here)
    with _expected():
        told = _census(as_json)
    _say(told, as_json)
    _refuse_unless_whole(told)


@commands.command()
def move(
    back: Annotated[bool, typer.Option("--back", help="Out of PostgreSQL, into the rows.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would move.")] = False,
    data: Data = None,
    here: Here = False,
    as_json: Json = False,
) -> None:
    """Move an existing vault into the PostgreSQL of KEZEK_VAULT, row by row, and check it."""
    from chalicelib.storage.vault import moving

    _enter(data, here)
    way = moving.Way.BACK if back else moving.Way.OUT
    left = "outside" if back else "inside"
    with _expected():
        moving.prepare(way)
        if dry_run:
            told = _census(as_json)
            _say({**told, "would move": told[left]}, as_json)
            _refuse_unless_whole(told)
            return
        done: dict[int, Any] = {}
        with progress("moving", quiet=as_json) as bar:

            def page(one: Any) -> None:
                done[one.part] = one
                bar.at(sum(part.done for part in done.values()), moving.PARTS)

            parts = moving.move(way, told=page)
        told = _census(as_json)
    names = ("seen", "moved", "there")
    _say({**{n: sum(getattr(part, n) for part in parts) for n in names}, **told}, as_json)
    _refuse_unless_whole(told)
    if told[left]:
        where = "in PostgreSQL" if back else "in the tables"
        raise CommandFailed(
            f"{told[left]} still lie {where}: somebody writes with the settings of before",
            hint="when every process has the new KEZEK_VAULT, the same command again",
            code=REFUSED,
        )


def _enter(data: Path | None, here: bool) -> None:
    """Let this process use a Kezek's tables, ring and KEZEK_VAULT."""
    if not here:
        inside.enter(place.control(data))
    elif not os.environ.get("KEZEK_STAGE"):
        raise CommandFailed("--here without KEZEK_STAGE", hint="say which tables", code=USAGE)


def _census(quiet: bool) -> dict[str, Any]:
    from chalicelib.storage.vault import moving

    with progress("checking", quiet=quiet):
        found = moving.census()
    return {**dataclasses.asdict(found), "whole": found.whole}


def _refuse_unless_whole(told: dict[str, Any]) -> None:
    if not told["whole"]:
        raise CommandFailed(
            f"{told['lost']} lost, {told['broken']} broken",
            hint="restore PostgreSQL to an instant later than the tables'; nothing was removed",
            code=REFUSED,
        )


def _say(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(told)
    else:
        for name, value in told.items():
            say(f"{name}: {value}")


@contextmanager
def _expected() -> Iterator[None]:
    """Turn what may be refused into a line and a hint."""
    from chalicelib.storage.vault import moving, places

    try:
        yield
    except moving.NoPlace as refusal:
        raise CommandFailed(
            f"{refusal.code}: KEZEK_VAULT does not lead that way",
            hint="out: postgres://…; back: the same with new=rows. For Kezek and this command",
            code=USAGE,
        ) from refusal
    except places.VaultSilent as refusal:
        raise CommandFailed(
            f"{refusal.code}: PostgreSQL does not answer",
            hint="the same command again goes on where this one stopped",
            code=UNAVAILABLE,
        ) from refusal
    except Refusal as refusal:
        raise CommandFailed(
            refusal.code, hint="the same command again goes on where this one stopped", code=REFUSED
        ) from refusal
