"""An outsider counts the order of a window again, from public answers and a page's ten lines."""

from __future__ import annotations

import contextlib
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.applications import actions
from infra.local.testing import Said, TestCloud
from tests.applications.builders import proves
from tests.applications.clubs import (
    BEACON,
    CLOSES,
    INTAKE,
    OPENS,
    SEED,
    SIGNATURE,
    allot,
    announce,
    apply_club,
)
from tests.applications.test_intakes import DOCUMENT
from tests.children.builders import registered

WINDOW = "/v1/applications/intakes/intake-2026-03"
ORDER = "/v1/queue/order?programme=clubs&area=karaganda&limit=10"
A_MINUTE = timedelta(minutes=1)
MONDAY = datetime(2026, 3, 16, 5, 0, tzinfo=UTC)  # a run day, ten in the morning in Almaty


def order(cloud: TestCloud, checkpoint_id: str | None = None) -> list[dict[str, Any]]:
    """Read the order as everybody may: the newest, or that of a checkpoint."""
    path = f"{ORDER}&checkpoint={checkpoint_id}" if checkpoint_id else ORDER
    lines: list[dict[str, Any]] = []
    cursor = ""
    while True:
        said = cloud.get(path + cursor)
        assert said.status == 200, said.text
        lines += said.json["lines"]
        if said.json["cursor"] is None:
            return lines
        cursor = f"&cursor={said.json['cursor']}"


def draw(cloud: TestCloud) -> Said:
    """Enter what the beacon said."""
    return cloud.put(
        f"{WINDOW}/beacon",
        {
            "round": cloud.get(WINDOW).json["beacon"]["round"],
            "randomness": SEED,
            "signature": SIGNATURE,
        },
        token=cloud.token("operator", "operator", areas=["karaganda"]),
    )


def test_the_order_of_a_window_is_counted_again_from_what_is_public(cloud: TestCloud) -> None:
    parent = registered()
    announce()
    for n in range(26):
        # The later they come within the window, the earlier some are drawn.
        statuses = ("tsa",) if n % 3 == 0 else ()
        apply_club(
            parent,
            f"application-{n}",
            n,
            now=OPENS + n * A_MINUTE,
            statuses=statuses,
            ask=proves(*statuses),
        )
    late = apply_club(parent, "application-late", 30, now=CLOSES)

    # The evening after the closing comes by itself, and the run of the day is not made.
    cloud.set_clock(CLOSES)
    cloud.advance(BEACON, only=["run_checkpoint", "run_iteration", "run_deadlines"])
    before = order(cloud)
    seen = cloud.get(WINDOW).json
    assert (seen["seed"], seen["checkpoint_id"]) == (None, None)
    said = draw(cloud)
    assert said.status == 200, said.text
    assert draw(cloud).json == said.json
    cloud.drain()
    after = order(cloud, cloud.get(WINDOW).json["checkpoint_id"])

    # What was to be drawn was public before the value existed.
    drawn = {line["ticket"] for line in after if line["intake"]}
    assert drawn == {line["ticket"] for line in before if line["intake"]}
    assert len(drawn) == 26
    assert all(line["place"] is None for line in before if line["intake"])
    # The page's own function, given the published seed.
    names: dict[str, Any] = {}
    code = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)[0]
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, names)
    names["seed"] = cloud.get(WINDOW).json["seed"]
    by_category: dict[tuple[int, ...], list[str]] = {}
    for line in after:
        by_category.setdefault(tuple(line["categories"]), []).append(line["ticket"])
    assert sorted(map(len, by_category.values())) == [9, 18]
    for tickets in by_category.values():
        of_window = [ticket for ticket in tickets if ticket in drawn]
        assert of_window == sorted(of_window, key=names["number"])
        # Whoever came after the window stands behind it.
        assert tickets[: len(of_window)] == of_window
    assert after[-1]["ticket"] == late.ticket
    # A family's own view says the same number.
    mine = actions.see("application-7", by=parent, now=BEACON)
    assert mine.drawn is not None
    assert mine.drawn.number == names["number"](mine.application.ticket)


def test_the_order_as_drawn_outlives_the_run_of_its_day(cloud: TestCloud) -> None:
    parent = registered()
    announce(beacon_at=MONDAY)
    for n in range(12):
        apply_club(parent, f"application-{n}", n, now=OPENS + n * A_MINUTE, kind="sport")
    allot("sport", 7)

    cloud.set_clock(MONDAY)
    assert draw(cloud).status == 200
    cloud.drain()
    drawn = order(cloud, f"drawn-{INTAKE}")
    cloud.advance(MONDAY + timedelta(hours=9))
    runs = cloud.get("/v1/queue/runs?programme=clubs&area=karaganda").json["runs"]
    after = order(cloud, f"after-{runs[0]['run_id']}"[:64])

    # Whoever has gone is counted by the run, and each was drawn before all who wait.
    assert order(cloud, f"drawn-{INTAKE}") == drawn
    tickets = [line["ticket"] for line in drawn]
    waiting = {line["ticket"] for line in after}
    gone = [ticket for ticket in tickets if ticket not in waiting]
    assert len(tickets) == 12 and gone
    assert [(run["state"], run["issued"]) for run in runs] == [("committed", len(gone))]
    assert gone == tickets[: len(gone)]


def test_nobody_gives_the_name_of_a_draw_beforehand(cloud: TestCloud) -> None:
    announce()
    cloud.set_clock(OPENS)

    said = cloud.put(
        f"/v1/queue/checkpoints/drawn-{INTAKE}",
        {"programme": "clubs", "area": "karaganda"},
        token=cloud.token("operator", "operator", areas=["karaganda"]),
    )
    unknown = cloud.get(f"{ORDER}&checkpoint=drawn-{INTAKE}")

    assert (said.status, said.code) == (409, "kezek/another-content")
    assert (unknown.status, unknown.code) == (404, "kezek/unknown")
