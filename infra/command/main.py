"""`kezek`: the command of operators and developers.

    kezek serve | demo | status | token | backup | restore | rebuild
    kezek breach --actor SUBJECT --from INSTANT --to INSTANT
    kezek erasures replay [FOLDER]
    kezek import providers | applications | register | attendance FILE
    kezek run iteration | deadlines | billing | checkpoint | record
    kezek export queue | register | statements | figures | journal | tables FILE
    kezek audit EXPORT --month YYYY-MM
    kezek replay SITE YYYY-MM [--json]
    kezek compare [--area AREA] [--language kk|ru|en]
    kezek queue bundle RUN FOLDER | openings RUN FILE --why PURPOSE | again RUN
    kezek record export FOLDER
    kezek record refill
    kezek ledger check
    kezek policy check FILE...
    kezek signals measure [--seed N]
    kezek keys status | rotate | retire
    kezek vault check | move [--back] [--dry-run]

Exit codes: 0 done; 1 something was refused or is not as expected; 2 wrong use or unreadable input;
3 Kezek does not answer.
"""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from infra.client import SystemSilent
from infra.command import (
    auditing,
    breaching,
    checking,
    comparing,
    exporting,
    forgetting,
    importing,
    keys,
    ledgering,
    measuring,
    place,
    proving,
    recording,
    replaying,
    triggering,
    vaulting,
)
from infra.command.admitting import Admitted
from infra.command.handing import Why, hand_out
from infra.command.saying import (
    REFUSED,
    UNAVAILABLE,
    USAGE,
    CommandFailed,
    note,
    progress,
    say,
    say_json,
)

cli = typer.Typer(
    cls=Admitted,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Kezek: a kindergarten queue becomes paid attendance.",
    epilog="Exit codes: 0 done; 1 something was refused; 2 wrong use or unreadable input; "
    "3 Kezek does not answer.",
)
cli.add_typer(importing.commands, name="import")
cli.add_typer(triggering.commands, name="run")
cli.add_typer(exporting.commands, name="export")
cli.add_typer(proving.commands, name="queue")
cli.add_typer(recording.commands, name="record")
cli.add_typer(ledgering.commands, name="ledger")
cli.add_typer(checking.commands, name="policy")
cli.add_typer(keys.commands, name="keys")
cli.add_typer(vaulting.commands, name="vault")
cli.add_typer(forgetting.commands, name="erasures")
cli.add_typer(measuring.commands, name="signals")
cli.command("breach")(breaching.breach)
cli.command("replay")(replaying.replay)
cli.command("compare")(comparing.compare)
cli.command("audit")(auditing.audit)

Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]
ROLES = (
    "representative", "head", "educator", "commission", "department", "operator", "finance",
    "auditor", "analyst", "clerk", "portal",
)  # fmt: skip


@cli.command()
def serve(
    port: Annotated[int, typer.Option(help="HTTP port on loopback.")] = 8000,
    data: Annotated[Path, typer.Option(help="Data folder.")] = Path(".local"),
    clock: Annotated[str, typer.Option(help="simulated (can be moved) or real.")] = "simulated",
    engine: Annotated[str | None, typer.Option(help="dynoxide or ministack.")] = None,
) -> None:
    """Start everything on loopback until Ctrl-C."""
    from infra.local.__main__ import main

    if clock not in ("simulated", "real"):
        raise CommandFailed(f"no clock {clock!r}", hint="simulated or real", code=USAGE)
    asked = ["serve", "--port", str(port), "--data", str(data)]
    # Without the option the clock is the data folder's own file.
    asked += ["--clock", "real"] if clock == "real" else []
    raise typer.Exit(main([*asked, *(["--engine", engine] if engine else [])]))


@cli.command()
def demo(
    exit_: Annotated[
        bool, typer.Option("--exit", help="End afterwards; 1 if a figure is off.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Go on with the data of the last demo.")
    ] = False,
    port: Annotated[int, typer.Option(help="HTTP port on loopback.")] = 8000,
    programme: Annotated[str, typer.Option(help="preschool or clubs.")] = "preschool",
) -> None:
    """A whole programme on invented people, from queue to payment."""
    from infra.demo import main as story

    raise typer.Exit(story.run(programme, leave=exit_, keep=keep, port=port))


@cli.command()
def status(data: Data = None, as_json: Json = False) -> None:
    """Say how the local Kezek is: parts, simulated time, queues, dead letters, schedules."""
    cloud = place.control(data)
    found = cloud.status()
    if as_json:
        say_json({"api": cloud.api, "data": str(cloud.data), **found})
        return
    say(f"Kezek on {cloud.api}, data in {cloud.data}, engine {found.get('engine')}")
    say(f"ready: {found.get('ready')}; simulated time {found.get('now')}")
    for name, depth in sorted((found.get("queues") or {}).items()):
        if any(depth.values()):
            say(f"  {name}: {', '.join(f'{n} {v}' for n, v in depth.items() if v)}")
    for name, at in sorted((found.get("last_runs") or {}).items()):
        say(f"  {name}: last at {at}")


@cli.command()
def token(
    role: Annotated[str, typer.Argument(help=f"One of: {', '.join(ROLES)}.")],
    subject: Annotated[str | None, typer.Option(help="Who it is; dev-ROLE when left out.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="Area served; * for all.")] = None,
    organisation: Annotated[list[str] | None, typer.Option(help="Organisation worked for.")] = None,
    direction: Annotated[
        list[str] | None, typer.Option(help="Direction of clubs served; * for all.")
    ] = None,
    hours: Annotated[int, typer.Option(min=1, max=24, help="How long it is valid.")] = 12,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a token of the development issuer; only a local Kezek accepts it."""
    if role not in ROLES:
        raise CommandFailed(f"no role {role!r}", hint=f"one of: {', '.join(ROLES)}", code=USAGE)
    claims: dict[str, list[str]] = {}
    if area:
        claims["areas"] = area
    if organisation:
        claims["organisations"] = organisation
    if direction:
        claims["directions"] = direction
    who = subject or f"dev-{role}"
    made = place.control(data).issuer().token(role, who, claims, timedelta(hours=hours))
    if as_json:
        say_json({"token": made, "role": role, "subject": who, **claims})
    else:
        say(made)


@cli.command()
def backup(
    target: Annotated[Path, typer.Argument(help="New folder for the backup.")],
    data: Data = None,
    why: Why = "daily-work",
    as_json: Json = False,
) -> None:
    """Back up the running local Kezek, keys included; every family is shown that it was done."""
    cloud = place.control(data)
    hand_out(cloud, "backup", ("everything",), why=why, children=None)
    with progress("backing up", quiet=as_json):
        try:
            manifest = cloud.backup(target)
        except place.ControlError as error:
            raise CommandFailed(str(error), hint="name a folder that does not exist yet") from error
    if as_json:
        say_json(manifest)
    else:
        say(f"{target}: whole, with keys; keep it as safe as the data itself")


@cli.command()
def restore(
    source: Annotated[Path, typer.Argument(help="Folder of a backup.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the running local Kezek's data."""
    with progress("restoring", quiet=as_json):
        try:
            told = place.control(data).restore(source)
        except place.ControlError as error:
            raise CommandFailed(str(error), hint="a damaged backup changes nothing") from error
    with progress("erasing again", quiet=as_json):
        told = {**told, "erasures": forgetting.again(place.control(data))}
    if as_json:
        say_json(told)
    else:
        say(f"restored from {source}; the data before lie in {told.get('replaced')}")
        again = told["erasures"]
        say(f"{again['listed']} erasures on the list, {again['erased']} repeated")


@cli.command()
def rebuild(data: Data = None, as_json: Json = False) -> None:
    """Rebuild queue, seats, vouchers, timesheets and ledger from the journal, and compare."""
    from infra.command import inside

    cloud = place.control(data)
    inside.enter(cloud)
    from infra import rebuild as rebuilding

    with progress("rebuilding", quiet=as_json):
        told = rebuilding.run()
    if as_json:
        say_json(told)
    else:
        for name, value in told.items():
            say(f"{name}: {value}")
    if told["rows that differ"]:
        raise typer.Exit(REFUSED)


def run(arguments: list[str] | None = None) -> None:
    """Run the command: expected failures are one line and a hint, never a traceback."""
    try:
        cli(arguments, standalone_mode=True)
    except CommandFailed as failed:
        _fail(failed.line, failed.hint, failed.code)
    except SystemSilent as silent:
        _fail(str(silent), "is Kezek running? `make serve` starts it", UNAVAILABLE)
    except BrokenPipeError:
        # The reader of our output went away (`kezek … | head`); that is no failure of ours.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        _fail("interrupted", "the same command again goes on where this one stopped", 130)


def _fail(line: str, hint: str, code: int) -> None:
    note(f"kezek: {line}")
    if hint:
        note(f"hint: {hint}")
    sys.exit(code)


if __name__ == "__main__":
    run()
