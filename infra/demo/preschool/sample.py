"""The invented Taldykorgan as the demo needs it: read from its files, as anybody would."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from infra.imports import names, running, sheets
from infra.imports.applications import Applications
from infra.imports.providers import Providers
from infra.local import issuer
from infra.local.places import project_root

FOLDER = project_root() / "samples" / "taldykorgan"
APPLICATION_FILES = ("applications-1.csv", "applications-2.xlsx")
# Statuses that the family card knows; the others are shown on paper.
CARD = frozenset({"disability-representative", "no-parental-care", "orphan", "large-family"})


@dataclass(frozen=True, slots=True)
class Family:
    """One application as its file has it."""

    number: str
    application_id: str
    account: str
    statuses: tuple[str, ...]
    wishes: frozenset[str]
    language: str
    kind: str
    child_iin: str
    birth_date: str


@dataclass(frozen=True, slots=True)
class Garden:
    """One kindergarten with its payee and groups, by id."""

    site_id: str
    organisation_id: str
    name: str
    form: str
    locality: str
    groups: tuple[dict[str, Any], ...]


@functools.lru_cache(maxsize=1)
def expected() -> dict[str, Any]:
    """Return the figures that follow from the sample's construction."""
    found: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text("utf-8"))
    return found


@functools.lru_cache(maxsize=1)
def planted() -> list[dict[str, Any]]:
    """Return the planted trouble."""
    found: list[dict[str, Any]] = json.loads((FOLDER / "planted.json").read_text("utf-8"))
    return found


@functools.lru_cache(maxsize=1)
def families() -> dict[str, Family]:
    """Return application id → family, of the good rows only."""
    bad = {(one["file"], one["line"]) for one in planted()}
    found: dict[str, Family] = {}
    for name in APPLICATION_FILES:
        sheet = sheets.read(FOLDER / name)
        gathering = Applications(
            system=names.SYSTEM, digest=sheet.digest, programme="preschool", issuer=issuer.NAME
        )
        result = running.Result(name, sheet.digest, len(sheet.lines))
        running.read_rows("applications", sheet, gathering, result)
        for request in gathering.requests():
            if (name, request.lines[0]) in bad:
                continue
            body = request.body
            application_id = request.path.rsplit("/", 1)[-1]
            found[application_id] = Family(
                body["source"]["number"],
                application_id,
                body["sign_in"]["subject"],
                tuple(body["statuses"]),
                frozenset(body["preferences"]),
                body["language"],
                body["kind"],
                body["child"]["iin"],
                body["child"]["birth_date"],
            )
    return found


@functools.lru_cache(maxsize=1)
def by_number() -> dict[str, Family]:
    """Return number → family."""
    return {family.number: family for family in families().values()}


@functools.lru_cache(maxsize=1)
def gardens() -> dict[str, Garden]:
    """Return site id → kindergarten, of the good rows."""
    sheet = sheets.read(FOLDER / "providers.csv")
    gathering = Providers(system=names.SYSTEM, digest=sheet.digest, programme="preschool")
    result = running.Result("providers.csv", sheet.digest, len(sheet.lines))
    running.read_rows("providers", sheet, gathering, result)
    found = {}
    for request in gathering.requests():
        site_id = request.path.rsplit("/", 1)[-1]
        body = request.body
        found[site_id] = Garden(
            site_id,
            body["organisation"]["organisation_id"],
            body["name"],
            body["form"],
            body["locality"],
            tuple(body["groups"]),
        )
    return found


def registered() -> dict[str, list[str]]:
    """Return child's IIN → statuses on the family card, as the city's register has them."""
    return {
        family.child_iin: [s for s in family.statuses if s in CARD]
        for family in families().values()
        if CARD & set(family.statuses)
    }
