"""`kezek replay`: a provider's month made again from its evidence, and what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from infra.command import place
from infra.command.saying import REFUSED, UNAVAILABLE, CommandFailed, say, say_json


def replay(
    site: Annotated[str, typer.Argument(metavar="SITE", help="The provider's site.")],
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="A month that was billed.")],
    url: Annotated[
        str | None, typer.Option(help="Address of Kezek; the local one when left out.")
    ] = None,
    token: Annotated[str | None, typer.Option(envvar="KEZEK_TOKEN", help="Token to use.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer for programs.")] = False,
) -> None:
    """Make a month's statements again from what was known at the instant of each, and compare.

    Ends with 1 when a statement does not come out to the byte, and names the children and the acts.
    What came after the newest statement is listed too: the next one will state it.
    """
    answer = place.api(url, token, data, "auditor").get(
        f"/v1/billing/sites/{site}/months/{month}/replay"
    )
    if not answer.good:
        code = UNAVAILABLE if answer.status >= 500 else REFUSED
        raise CommandFailed(answer.detail or f"Kezek answered {answer.status}", code=code)
    found = answer.json()
    if as_json:
        say_json(found)
    else:
        for line in lines_of(found):
            say(line)
    if not found["same"]:
        raise CommandFailed("a statement comes out otherwise", code=REFUSED)


def lines_of(found: dict[str, Any]) -> list[str]:
    """Return a replay as lines: a line per statement, and below it what differs."""
    lines: list[str] = []
    for one in found["statements"]:
        said = "same" if one["same"] else "DIFFERS"
        rules = "" if one["own_rules"] else ", by today's rules as known then"
        lines.append(f"{one['number']:04d}  {one['at']}  {said}  {one['replayed'][:16]}{rules}")
        lines += [_line(differs) for differs in one["differs"]]
    if not found["statements"]:
        lines.append("no statement was posted")
    since = found["since"]
    if since is None:
        lines.append("the month is too old to be billed again; what was posted stays")
    elif since:
        lines.append(f"{len(since)} lines are due otherwise by now:")
        lines += [_line(late) for late in since]
    if found["unwitnessed"]:
        lines.append(f"{found['unwitnessed']} marks have no signed record any more")
    return lines


def _line(one: dict[str, Any]) -> str:
    def shown(tiyn: int | None) -> str:
        return "-" if tiyn is None else f"{tiyn // 100}"

    acts = "; ".join(
        " ".join(filter(None, [b["act"], b["ref"], b["said"]])) for b in one["because"]
    )
    sums = f"{shown(one['posted_tiyn'])} → {shown(one['due_tiyn'])}"
    return f"      {one['child_id']}  {sums} tenge  {acts}".rstrip()
