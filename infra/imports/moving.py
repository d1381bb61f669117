"""Move the register of a closing platform: import, publish the order, compare before and after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.client import Answer, Api
from infra.imports import reconciling, running, sheets
from infra.imports.reconciling import Moved, Now
from infra.imports.registers import Register, Standing
from infra.imports.running import Progress, Result, Unfinished
from infra.imports.sending import Request

IN_A_PAGE = 100


def move(
    path: Path,
    api: Api,
    *,
    platform: str,
    clubs_from: str,
    programme: str,
    area: str,
    issuer: str | None,
    beside: Mapping[str, Path],
    clock: Callable[[], datetime],
    at_once: int,
    on_progress: Progress,
) -> Moved:
    """Import a register and account for every row. beside: other platforms' files, to name twins.
    clock: Kezek's.

    Raises Unreadable, NotAllowed, Unfinished, SystemSilent.
    """
    others = {
        name: standings(file, area=area, programme=programme) for name, file in beside.items()
    }
    now: dict[int, Now] = {}
    begun = clock()

    def taken(request: Request, answer: Answer) -> None:
        now[request.lines[0]] = _now(answer.json(), begun)

    result, register = running.register(
        path,
        api,
        platform=platform,
        clubs_from=clubs_from,
        programme=programme,
        area=area,
        issuer=issuer,
        begun=begun,
        at_once=at_once,
        on_progress=on_progress,
        on_taken=taken,
    )
    moved = Moved(platform, result, register.standings, now)
    order, waiting = _published(api, result, programme=programme, area=area)
    moved.hidden = waiting - len(order)
    reconciling.explain(moved, order)
    reconciling.name_twins(moved, others)
    return moved


def standings(path: Path, *, programme: str, area: str) -> list[Standing]:
    """Return how the rows of a register stood, without sending anything. Raises Unreadable."""
    sheet = sheets.read(path)
    register = Register(
        platform="-",
        clubs_from="-",
        digest=sheet.digest,
        programme=programme,
        area=area,
        issuer=None,
    )
    running.read_rows("register", sheet, register, Result(sheet.name, sheet.digest))
    return list(register.standings.values())


def _now(said: Mapping[str, Any], begun: datetime) -> Now:
    return Now(
        had=running.was_had(said, begun),
        remaining_tiyn=said.get("remaining_tiyn"),
        cap_tiyn=said.get("cap_tiyn"),
        state=str(said.get("state", "")),
        ticket=str(said.get("ticket", "")),
        category=said.get("category"),
        ordered_at=str(said.get("ordered_at", "")),
    )


def _published(api: Api, result: Result, *, programme: str, area: str) -> tuple[list[str], int]:
    """Publish the order as it is now; return its tickets from the first on, and how many wait.

    The tickets as officers see them: the public order tells who goes first only where a category
    is shown alone. None where the public is shown no order at all.
    """
    # Named by what was imported and what became of it, so that a repetition publishes anew.
    told = f"{result.digest}/{result.taken}/{result.had}".encode()
    name = f"move-{hashlib.sha256(told).hexdigest()[:24]}"
    asked = {"programme": programme, "area": area}
    published = api.put(f"/v1/queue/checkpoints/{name}", asked)
    if not published.good:
        raise Unfinished(f"the order is not published: {published.detail or published.code}")
    waiting = int(published.json()["waiting"])
    public = _read(api, "/v1/queue/order", **asked, limit=1)
    if not public["lines"]:
        return [], waiting
    exact = f"/v1/queue/checkpoints/{public['checkpoint_id']}/order"
    tickets: list[str] = []
    cursor: str | None = None
    while True:
        page = _read(api, exact, limit=IN_A_PAGE, cursor=cursor)
        tickets += [line["ticket"] for line in page["lines"]]
        cursor = page.get("cursor")
        if not cursor:
            return tickets, waiting


def _read(api: Api, path: str, **asked: object) -> dict[str, Any]:
    answer = api.get(path, **asked)
    if not answer.good:
        raise Unfinished(f"the order cannot be read: {answer.detail or answer.code}")
    page: dict[str, Any] = answer.json()
    return page
