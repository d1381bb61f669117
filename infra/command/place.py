"""Which Kezek a command talks to, and as whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.client import Api
from infra.command.admitting import check_role
from infra.command.saying import UNAVAILABLE, CommandFailed
from infra.imports import names
from infra.local import issuer
from infra.local.control import Control, ControlError, NotServing

DATA = Path(".local")
PLACES_WITH_DATA = (DATA, DATA / "demo", DATA / "demo-clubs")


def control(data: Path | None) -> Control:
    """Return the local Kezek that serves a data folder; without one, the first that runs."""
    for folder in (data,) if data else PLACES_WITH_DATA:
        try:
            return Control.of(folder)
        except NotServing:
            continue
    raise CommandFailed(
        f"no Kezek serves {data or DATA}",
        hint="start it with `make serve`, or name its folder with --data",
        code=UNAVAILABLE,
    )


def token(
    data: Path | None,
    role: str,
    *,
    subject: str,
    areas: list[str] | None = None,
    organisations: list[str] | None = None,
) -> str:
    """Return a token of the development issuer of a local Kezek."""
    check_role(role)
    claims: dict[str, Any] = {}
    if areas:
        claims["areas"] = areas
    if organisations:
        claims["organisations"] = organisations
    return control(data).issuer().token(role, subject, claims)


def api(url: str | None, given_token: str | None, data: Path | None, role: str) -> Api:
    """Return a client: with the token given, else with one of the local issuer for a role.

    Without an address the local Kezek's is taken.
    """
    check_role(role)
    if url is not None and given_token is not None:
        return Api(url.rstrip("/"), given_token)
    local = control(data)
    made = given_token or local.issuer().token(role, f"cli-{role}", {"areas": ["*"]})
    return Api((url or local.api).rstrip("/"), made)


def public_api(url: str | None, data: Path | None) -> Api:
    """Return a client without a token."""
    return Api((url or control(data).api).rstrip("/"))


def head_of(
    api_: Api, site: str, given: dict[str, str], url: str | None, data: Path | None
) -> Api | None:
    """Return a client for a site's head: the token given, else the local issuer's, else None."""
    if site in given:
        return api_.as_(given[site])
    if url is not None and data is None:
        return None
    seen = api_.get(f"/v1/providers/sites/{names.site(site)}")
    if not seen.good:
        return None
    organisation = str(seen.json()["organisation_id"])
    return api_.as_(token(data, "head", subject=f"cli-head-{site}", organisations=[organisation]))


def clock(url: str | None, data: Path | None) -> Callable[[], datetime]:
    """Return a clock: the simulated one of a local Kezek, else this machine's."""
    if url is not None and data is None:
        return lambda: datetime.now(UTC)
    return control(data).now


ISSUER = issuer.NAME

__all__ = ["ISSUER", "ControlError", "api", "control", "public_api", "token"]
