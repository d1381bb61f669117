"""`kezek signals …`: how well the thresholds of a pack find what is planted in the samples."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from chalicelib.policy.actions import list_packs
from infra.command.saying import REFUSED, USAGE, CommandFailed, say, say_json
from infra.measuring import AREA, PROGRAMME, Measured, measure

commands = typer.Typer(no_args_is_help=True, help="Signals about attendance.")


@commands.callback()
def group() -> None:
    """Signals about attendance."""


@commands.command("measure")
def run(
    seed: Annotated[int, typer.Option(help="Which city is invented.")] = 2026,
    area: Annotated[str, typer.Option(help="Whose pack; it counts days.")] = AREA,
    as_json: Annotated[bool, typer.Option("--json", help="Answer for programs.")] = False,
) -> None:
    """Judge an invented city with planted fraud; say what was found, and what was flagged wrongly.

    Exit 1 where something planted is missed, or one per cent of honest lines and more are flagged.
    """
    packs = [p for p in list_packs() if (p.programme, p.area) == (PROGRAMME, area)]
    if not packs:
        raise CommandFailed(f"no {PROGRAMME} pack of {area}", hint="name its area", code=USAGE)
    found = measure(seed, pack=packs[0])
    if as_json:
        say_json({**asdict(found), "pack": packs[0].version, "good": found.good})
    else:
        for line in lines_of(found):
            say(line)
        say(f"pack {packs[0].version}, seed {seed}")
    if not found.good:
        raise typer.Exit(REFUSED)


def lines_of(found: Measured) -> list[str]:
    """Return the figures as lines of a table."""
    rows = [f"{'signal':<22}{'planted':>9}{'found':>7}{'raised':>8}{'recall':>9}{'precision':>11}"]
    rows += [
        f"{of.kind:<22}{of.planted:>9}{of.found:>7}{of.raised:>8}"
        f"{_percent(of.recall_per_mille):>9}{_percent(of.precision_per_mille):>11}"
        for of in found.kinds
    ]
    millionths = found.flagged_per_million
    rows.append(
        f"honest lines flagged: {found.flagged} of {found.honest}, "
        f"{millionths // 10_000}.{millionths % 10_000 // 100:02d} %"
    )
    rows += [f"missed: {one.kind} at {one.site} in {one.period}" for one in found.missed]
    return rows


def _percent(per_mille: int) -> str:
    return f"{per_mille // 10}.{per_mille % 10} %"
