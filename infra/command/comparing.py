"""`kezek compare`: who of an area's queue is served under each reading of "one to three"."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.command import place
from infra.command.saying import REFUSED, UNAVAILABLE, USAGE, CommandFailed, say, say_json

_TEXTS = tomllib.loads(Path(__file__).with_name("comparing.toml").read_text("utf-8"))
_READINGS = ("interleave", "reserve", "category-first")
_ROWS = ("served", "preferred", "first", "longest_wait_days", "otherwise", "elsewhere")
_PER_CENT = 10  # per mille


def compare(
    programme: Annotated[str, typer.Option(help="Programme.")] = "preschool",
    area: Annotated[str, typer.Option(help="Area.")] = "taldykorgan",
    reserve: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Part to keep, per mille, unless the pack names one."),
    ] = None,
    language: Annotated[str, typer.Option(help="kk, ru or en.")] = "ru",
    url: Annotated[
        str | None, typer.Option(help="Address of Kezek; the local one when left out.")
    ] = None,
    token: Annotated[str | None, typer.Option(envvar="KEZEK_TOKEN", help="Token to use.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer for programs.")] = False,
) -> None:
    """Decide today's queue under each reading of "one to three" and say whom each serves.

    Only counts, in cells of five and more; nothing is changed.
    """
    if language not in _TEXTS:
        raise CommandFailed(f"no language {language!r}", hint="kk, ru or en", code=USAGE)
    api = place.api(url, token, data, "operator")
    api.language = language
    asked: dict[str, Any] = {"programme": programme, "area": area, "reserve_per_mille": reserve}
    answer = api.get("/v1/queue/comparison", **asked)
    if not answer.good:
        code = UNAVAILABLE if answer.status >= 500 else REFUSED
        raise CommandFailed(answer.detail or f"Kezek answered {answer.status}", code=code)
    found = answer.json()
    if as_json:
        say_json(found)
        return
    for line in lines_of(found, area, _TEXTS[language], asked=reserve):
        say(line)


def lines_of(
    found: dict[str, Any], area: str, texts: dict[str, str], *, asked: int | None = None
) -> list[str]:
    """Return a comparison as lines of a table; asked: the part to keep, per mille."""
    percent = _percent(found["reserve_per_mille"])
    names = {name: texts[name].format(percent=percent) for name in _READINGS}

    def shown(count: int | None) -> str:
        return texts["hidden"] if count is None else str(count)

    waiting = shown(found["waiting"])
    rows = [["", "", *names.values()]]
    rows += [
        [texts[row], "", *(shown(found["readings"][name][row]) for name in _READINGS)]
        for row in _ROWS
    ]
    cells = [*found["tiers"], None, *found["categories"]]
    rows.append(["", texts["waiting"], *([texts["served"]] * len(_READINGS))])
    if not found["tiers"]:
        rows.append([texts["none"], "", "", "", ""])
    for cell in cells if found["tiers"] else ():
        if cell is None:
            rows.append([""] * (len(_READINGS) + 2))
            continue
        label = " + ".join(one["text"] for one in cell["of"])
        rows.append([label, str(cell["waiting"]), *(str(cell["served"][n]) for n in _READINGS)])
    title = texts["title"].format(
        area=area, as_of=found["as_of"], waiting=waiting, places=found["places"]
    )
    own = [texts["own"].format(own=names[found["own"]])]
    if asked is not None and asked != found["reserve_per_mille"]:
        own.append(texts["named"].format(percent=percent, asked=_percent(asked)))
    return [title, *own, "", *_table(rows)]


def _percent(per_mille: int) -> str:
    return f"{per_mille / _PER_CENT:g} %"


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
