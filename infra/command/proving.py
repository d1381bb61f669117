"""`kezek queue …`: what proves an iteration, out of Kezek, for those who check it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from infra.command import inside, place
from infra.command.handing import Why, hand_out
from infra.command.saying import REFUSED, UNAVAILABLE, USAGE, CommandFailed, progress, say, say_json

commands = typer.Typer(
    no_args_is_help=True,
    help="What proves an iteration: its public bundle, the auditor's openings, deciding it again.",
)
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The iteration's id.")]
Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]
Url = Annotated[str | None, typer.Option(help="Address of Kezek; the local one when left out.")]


@commands.command("bundle")
def bundle(
    run: RunId,
    folder: Annotated[Path, typer.Argument(help="Folder for bundle.json and note.")],
    url: Url = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """The public bundle of an iteration, as it is published.

    Check it with `python3 verify/kezek_verify.py run FOLDER --keys FILE`.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CommandFailed(f"{folder} is not empty", code=USAGE)
    answer = place.public_api(url, data).get(f"/v1/queue/runs/{run}/bundle")
    if not answer.good:
        code = UNAVAILABLE if answer.status >= 500 else REFUSED
        raise CommandFailed(f"{answer.status}: no bundle of {run} is published", code=code)
    found = answer.json()
    if found["bundle"] is None:
        raise CommandFailed(
            f"the bundle has {found['bytes']} bytes, too many for an answer",
            hint=f"copy {found['file']} and its note from the published files",
            code=REFUSED,
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").write_bytes(found["bundle"].encode())
    (folder / "note").write_bytes(found["note"].encode())
    if as_json:
        say_json({"folder": str(folder), "bytes": found["bytes"], "sha256": found["sha256"]})
    else:
        say(f"{found['bytes']} bytes, SHA-256 {found['sha256']}, in {folder}")


@commands.command("openings")
def openings(
    run: RunId,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="New file, JSON lines.")],
    data: Data = None,
    why: Why = "inspection",
    as_json: Json = False,
) -> None:
    """All that an iteration read and decided, ticket by ticket: for auditors only.

    Every family in it is shown that it was made. Check it with
    `python3 verify/kezek_verify.py run FOLDER --openings FILE --keys FILE`.
    """
    if to.exists():
        raise CommandFailed(f"{to} exists", code=USAGE)
    cloud = place.control(data)
    inside.enter(cloud)
    from chalicelib.kernel.actors import system
    from chalicelib.kernel.refusals import Refusal
    from chalicelib.queue import actions

    try:
        told = actions.children_of_run(run)
        actions.check_proved(run)
        hand_out(cloud, "queue openings", actions.OPENED, why=why, children=told)
        by = system("queue/openings")
        actions.hand_openings(run, why=why, by=by, now=cloud.now())
        written = 0
        with (
            progress("writing the openings", quiet=as_json) as bar,
            to.open("w", encoding="utf-8", newline="\n") as file,
        ):
            for line in actions.every_opening(run):
                text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                file.write(f"{text}\n")
                written += 1
                bar.at(written, len(told) + 1)
    except Refusal as refusal:
        raise CommandFailed(f"{refusal.code}: {run}", code=REFUSED) from refusal
    if as_json:
        say_json({"file": str(to), "openings": written - 1})
    else:
        say(f"{written - 1} openings in {to}")


@commands.command("again")
def again(run: RunId, data: Data = None, as_json: Json = False) -> None:
    """Decide an iteration anew from what it read, and compare with what it decided."""
    inside.enter(place.control(data))
    from chalicelib.kernel.refusals import Refusal
    from chalicelib.queue import actions

    try:
        found = actions.again(run)
    except Refusal as refusal:
        raise CommandFailed(f"{refusal.code}: {run}", code=REFUSED) from refusal
    if as_json:
        say_json(
            {
                "run_id": found.run_id,
                "applications": found.applications,
                "engine": found.engine,
                "same": found.same,
                "first": found.first,
            }
        )
    elif found.same:
        say(f"the same: {found.applications} outcomes, engine {found.engine}")
    if not found.same:
        raise CommandFailed(
            f"another outcome, first for ticket {found.first}"
            if found.first
            else "another outcome than was stored",
            code=REFUSED,
        )
