"""`kezek run …`: run a schedule now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.command import place
from infra.command.saying import REFUSED, UNAVAILABLE, CommandFailed, progress, say, say_json

commands = typer.Typer(
    no_args_is_help=True,
    help="Run a schedule now: the very handler that the clock would start, and the work it makes.",
)
Aws = Annotated[
    str | None, typer.Option(help="Invoke this Lambda function in AWS instead of the local one.")
]
At = Annotated[datetime | None, typer.Option(help="The event's time (UTC); now when left out.")]
Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]


@commands.command("iteration")
def run_iteration(at: At = None, aws: Aws = None, data: Data = None, as_json: Json = False) -> None:
    """Issue vouchers down the queue for the free places; on a working day only."""
    _run("run_iteration", at, aws, data, as_json)


@commands.command("deadlines")
def run_deadlines(at: At = None, aws: Aws = None, data: Data = None, as_json: Json = False) -> None:
    """Let everything lapse whose time is over, and send reminders."""
    _run("run_deadlines", at, aws, data, as_json)


@commands.command("billing")
def run_billing(at: At = None, aws: Aws = None, data: Data = None, as_json: Json = False) -> None:
    """Bill the month before the event's time; repeated, it posts nothing twice."""
    _run("run_billing", at, aws, data, as_json)


@commands.command("record")
def run_record(at: At = None, aws: Aws = None, data: Data = None, as_json: Json = False) -> None:
    """Publish the record now, and look for entries that its stream lost."""
    _run("run_record", at, aws, data, as_json)


@commands.command("checkpoint")
def run_checkpoint(
    at: At = None, aws: Aws = None, data: Data = None, as_json: Json = False
) -> None:
    """Publish the order of the queue as of now."""
    _run("run_checkpoint", at, aws, data, as_json)


def _run(name: str, at: datetime | None, aws: str | None, data: Path | None, as_json: bool) -> None:
    moment = at.astimezone() if at else None
    if aws:
        result = _invoke(aws, name, moment)
    else:
        cloud = place.control(data)
        with progress(name, quiet=as_json) as bar:
            bar.at(0, 1)
            try:
                result = cloud.fire(name, moment)
                result["delivered"] = cloud.drain()
            except place.ControlError as error:
                raise CommandFailed(
                    str(error), hint="`kezek status` lists the schedules"
                ) from error
            bar.at(1, 1)
    if as_json:
        say_json(result)
    elif result.get("reason"):
        say(f"{name} failed: {result['reason']}")
    else:
        say(f"{name} is done ({result.get('ms', 0):.0f} ms)")
    if result.get("reason"):
        raise typer.Exit(REFUSED)


def _invoke(function: str, name: str, at: datetime | None) -> dict[str, Any]:
    """Invoke a function in AWS with a schedule's event."""
    import json
    from datetime import UTC

    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.local import events

    event = events.schedule(name, at or datetime.now(UTC).replace(microsecond=0))
    try:
        client: Any = boto3.client("lambda")  # type: ignore[no-untyped-call]
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except (BotoCoreError, ClientError) as error:
        raise CommandFailed(
            f"AWS refused: {type(error).__name__}",
            hint="check the function's name and your AWS session",
            code=UNAVAILABLE,
        ) from error
    return {"name": name, "function": function, "reason": answer.get("FunctionError")}
