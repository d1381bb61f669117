"""`kezek import …`: files of an akimat into Kezek."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.client import Api
from infra.command import place
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
from infra.imports import attendance, moving, reconciling, report, running
from infra.imports.names import SYSTEM
from infra.imports.running import Kind, Result
from infra.imports.sheets import Unreadable

commands = typer.Typer(
    no_args_is_help=True,
    help="Read a file as akimats export it: CSV or XLSX, Russian or Kazakh headings, UTF-8 or "
    "Windows-1251. Good rows are taken, each bad row is reported with line, column and reason; "
    "the same file again changes nothing. Exit code 0: every row was taken, 1: some were "
    "refused (register: does not add up), 2: the file cannot be read or the command is wrong, "
    "3: Kezek does not answer.",
)

File = Annotated[Path, typer.Argument(help="CSV or XLSX file.", show_default=False)]
Url = Annotated[str | None, typer.Option(help="Address of Kezek; the local one when left out.")]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="KEZEK_TOKEN", help="Token of an operator; the local issuer's when left out."
    ),
]
Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
System = Annotated[str, typer.Option(help="Name of the system the file comes from.")]
Programme = Annotated[str, typer.Option(help="Programme of the rows.")]
AtOnce = Annotated[int, typer.Option(min=1, max=32, help="Requests at the same time.")]
ReportTo = Annotated[
    Path | None, typer.Option("--report", help="Save the refused rows as CSV here.")
]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]
Language = Annotated[str, typer.Option(help="Language of the reasons: kk, ru or en.")]


@commands.command("providers")
def import_providers(
    file: File,
    url: Url = None,
    token: Token = None,
    data: Data = None,
    system: System = SYSTEM,
    programme: Programme = "preschool",
    at_once: AtOnce = 4,
    report_to: ReportTo = None,
    as_json: Json = False,
    language: Language = "ru",
) -> None:
    """Take over kindergartens that an act listed: one row per group."""
    api = place.api(url, token, data, "operator")
    with progress(f"importing {file.name}", quiet=as_json) as bar:
        result = _run("providers", file, api, system, programme, None, at_once, bar.at)
    _finish(result, report_to, as_json=as_json, language=language)


@commands.command("applications")
def import_applications(
    file: File,
    url: Url = None,
    token: Token = None,
    data: Data = None,
    system: System = SYSTEM,
    programme: Programme = "preschool",
    issuer: Annotated[
        str | None,
        typer.Option(help="Issuer of the accounts in the file; families then sign in as before."),
    ] = None,
    at_once: AtOnce = 4,
    report_to: ReportTo = None,
    as_json: Json = False,
    language: Language = "ru",
) -> None:
    """Take over a queue in its order: one row per child."""
    api = place.api(url, token, data, "operator")
    with progress(f"importing {file.name}", quiet=as_json) as bar:
        result = _run("applications", file, api, system, programme, issuer, at_once, bar.at)
    _finish(result, report_to, as_json=as_json, language=language)


@commands.command("register")
def import_register(
    file: File,
    platform: Annotated[
        str, typer.Option(help="Platform that closes: damubala, artsport …", show_default=False)
    ],
    area: Annotated[str, typer.Option(help="City that is moved.", show_default=False)],
    programme: Programme = "clubs",
    clubs_from: Annotated[
        str, typer.Option(help="System whose codes name groups and clubs: that of their import.")
    ] = SYSTEM,
    issuer: Annotated[
        str | None,
        typer.Option(help="Issuer of the accounts in the file; families then sign in as before."),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(help="PLATFORM=FILE: another register; children in both are named."),
    ] = None,
    families_to: Annotated[
        Path | None, typer.Option("--families", help="Save before and after of each row as CSV.")
    ] = None,
    balance_to: Annotated[
        Path | None, typer.Option("--reconciliation", help="Save the reconciliation as JSON.")
    ] = None,
    url: Url = None,
    token: Token = None,
    data: Data = None,
    at_once: AtOnce = 4,
    report_to: ReportTo = None,
    as_json: Json = False,
    language: Language = "ru",
) -> None:
    """Move the register of a closing platform: vouchers with clubs and caps, places in the queue.

    Exit code 0 when everything adds up (refused rows are named and count as explained), 1 when a
    row, a voucher, a tenge or a place is unaccounted for.
    """
    api = place.api(url, token, data, "operator")
    others = {name: Path(path) for name, path in (_named(text) for text in beside or [])}
    with progress(f"moving {file.name}", quiet=as_json) as bar, _explained("register"):
        moved = moving.move(
            file,
            api,
            platform=platform,
            clubs_from=clubs_from,
            programme=programme,
            area=area,
            issuer=issuer,
            beside=others,
            clock=place.clock(url, data),
            at_once=at_once,
            on_progress=bar.at,
        )
    told = reconciling.report(moved)
    if families_to is not None:
        families_to.write_bytes(reconciling.families(moved))
    if balance_to is not None:
        balance_to.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if report_to is not None:
        report_to.write_bytes(report.as_csv(moved.result.refused))
    if as_json:
        say_json(told)
    else:
        _say_balance(told, moved.result, language)
    if not told["balanced"]:
        raise typer.Exit(REFUSED)


def _say_balance(told: dict[str, Any], result: Result, language: str) -> None:
    for refused in result.refused:
        say(refused.shown(language))
    for twin in told["on_two_platforms"]:
        say(
            f"{result.file}:{twin['line']} {twin['number']}: also {twin['platform']} "
            f"{twin['other_number']}; {twin['outcome']}"
        )
    rows = told["rows"]
    say(
        f"{result.file}: {rows['in']} rows = {rows['imported']} imported + {rows['had']} had "
        f"already + {rows['refused']} refused; balance {rows['balance']}"
    )
    for name in ("vouchers", "remaining_tiyn", "places"):
        account = told[name]
        explained = ", ".join(f"{why} {n}" for why, n in account["explained"].items() if n)
        say(
            f"{name}: before {account['before']}, after {account['after']}"
            f"{f', {explained}' if explained else ''}; balance {account['balance']}"
        )
    say(f"places that no rule explains: {told['places_unexplained']}")


def _named(text: str) -> tuple[str, str]:
    name, found, path = text.partition("=")
    if not found:
        raise CommandFailed("--beside is PLATFORM=FILE", code=USAGE)
    return name, path


@commands.command("attendance")
def import_attendance(
    file: File,
    key: Annotated[
        Path, typer.Option(help="Key file of the partner's recorder; made on first use.")
    ] = Path(".local/recorder.json"),
    head_token: Annotated[
        list[str] | None,
        typer.Option(
            help="SITE_CODE=TOKEN: a head lets the recorder pair with the site and read its "
            "enrolments. With a local Kezek the development issuer's token is used."
        ),
    ] = None,
    url: Url = None,
    data: Data = None,
    system: System = SYSTEM,
    at_once: AtOnce = 4,
    report_to: ReportTo = None,
    as_json: Json = False,
    language: Language = "ru",
) -> None:
    """Send a partner system's timesheet as signed records: one row per child and day."""
    api = place.public_api(url, data)
    given = dict(_pair(text) for text in head_token or [])
    with progress(f"importing {file.name}", quiet=as_json) as bar, _explained("attendance"):
        result = attendance.run(
            file,
            api,
            key=key,
            heads=lambda site: place.head_of(api, site, given, url, data),
            system=system,
            at_once=at_once,
            now=place.clock(url, data),
            on_progress=bar.at,
        )
    _finish(result, report_to, as_json=as_json, language=language)


def _pair(text: str) -> tuple[str, str]:
    site, found, token = text.partition("=")
    if not found:
        raise CommandFailed("--head-token is SITE_CODE=TOKEN", code=USAGE)
    return site, token


@contextmanager
def _explained(kind: str) -> Iterator[None]:
    """Say in one line what went wrong, and what helps."""
    try:
        yield
    except Unreadable as error:
        hint = f"headings that are understood: infra/imports/vocabulary.toml [{kind}]"
        raise CommandFailed(str(error), hint=hint, code=USAGE) from error
    except running.NotAllowed as error:
        hint = "an import needs the role operator (attendance: head); see `kezek token --help`"
        raise CommandFailed(str(error), hint=hint, code=USAGE) from error
    except running.Unfinished as error:
        hint = "nothing is lost: the same command again goes on where this one stopped"
        raise CommandFailed(str(error), hint=hint, code=UNAVAILABLE) from error


def _run(
    kind: Kind,
    file: Path,
    api: Api,
    system: str,
    programme: str,
    issuer: str | None,
    at_once: int,
    on_progress: running.Progress,
) -> Result:
    with _explained(kind):
        return running.run(
            kind,
            file,
            api,
            system=system,
            programme=programme,
            issuer=issuer,
            at_once=at_once,
            on_progress=on_progress,
        )


def _finish(result: Result, report_to: Path | None, *, as_json: bool, language: str) -> None:
    if report_to is not None:
        report_to.write_bytes(report.as_csv(result.refused))
    if as_json:
        say_json(result.as_json())
    else:
        for refused in result.refused:
            say(refused.shown(language))
        say(
            f"{result.file}: {result.taken} of {result.rows} rows taken, "
            f"{len(result.refused)} refused"
        )
        if result.off_map:
            say(f"sites without a point on the map, found by no distance: {result.off_map}")
        if report_to is not None:
            note(f"report: {report_to}")
    if result.refused:
        raise typer.Exit(REFUSED)
