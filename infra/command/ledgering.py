"""`kezek ledger …`: the ledger against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.command import inside, place
from infra.command.saying import REFUSED, progress, say, say_json

commands = typer.Typer(no_args_is_help=True, help="The ledger: checked against itself.")

Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]


@commands.callback()
def group() -> None:
    """The ledger."""


@commands.command("check")
def check(data: Data = None, as_json: Json = False) -> None:
    """Check each posting, balance and limit, and that all accounts together are nothing.

    Ends with 1 and names what is wrong, the first first.
    """
    inside.enter(place.control(data))
    import dataclasses

    from chalicelib.budgets import actions

    with progress("reading the ledger", quiet=as_json) as bar:
        found = actions.check_ledger(tell=lambda rows: bar.at(rows, rows))
    if as_json:
        say_json({**dataclasses.asdict(found), "total_tiyn": found.total_tiyn})
    else:
        for flaw in found.flaws:
            say(
                f"{flaw.what}: {flaw.where}: expected {flaw.expected_tiyn}, "
                f"found {flaw.found_tiyn} tiyn"
            )
        for kind, held in found.by_kind.items():
            say(f"{kind:12} {held:>24,} tiyn")
        say(f"{'together':12} {found.total_tiyn:>24,} tiyn")
        say(
            f"{found.postings} postings, {found.lines} lines, {found.accounts} accounts: "
            + (f"{len(found.flaws)} flaws" if found.flaws else "no flaw")
        )
    if found.flaws:
        raise typer.Exit(REFUSED)
