"""`kezek policy …`: rule packs, read before anybody relies on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chalicelib.policy import store
from chalicelib.policy.rules.files import read_calendar, read_pack
from chalicelib.policy.rules.reading import BrokenPack
from infra.command.saying import REFUSED, USAGE, CommandFailed, say, say_json

commands = typer.Typer(no_args_is_help=True, help="Rule packs: check files before they are used.")

Files = Annotated[list[Path], typer.Argument(help="Pack files, or calendar-*.toml.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]


@commands.callback()
def group() -> None:
    """Rule packs."""


@commands.command("check")
def check(files: Files, as_json: Json = False) -> None:
    """Read pack files and tell every problem with its line and its cure."""
    said = {str(path): _read(path) for path in files}
    if as_json:
        say_json({name: {"version": v, "problems": p} for name, (v, p) in said.items()})
    else:
        for name, (version, problems) in said.items():
            for problem in problems:
                say(problem)
            if not problems:
                say(f"{name}: {version}")
    if any(problems for _, problems in said.values()):
        raise typer.Exit(REFUSED)


def _read(path: Path) -> tuple[str, list[str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(
            f"{path} cannot be read", hint="name a TOML file in UTF-8", code=USAGE
        ) from error
    try:
        if path.name.startswith("calendar-"):
            calendar = read_calendar(text, path.name)
            return f"holidays of {calendar.first_year} to {calendar.last_year}", []
        folder = str(path.parent)
        pack = read_pack(text, path.name, find_text=lambda name: store.find_text(name, folder))
    except BrokenPack as broken:
        return "", [
            f"{path.parent / problem.file}:{str(problem)[len(problem.file) + 1 :]}"
            for problem in broken.problems
        ]
    return pack.version, []
