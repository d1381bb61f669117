"""An outsider counts the order of a window again, from public answers and a page's ten lines."""

from __future__ import annotations

import contextlib
import io
import re
from datetime import timedelta
from typing import Any

from chalicelib.applications import actions
from infra.local.testing import TestCloud
from tests.applications.builders import proves
from tests.applications.clubs import BEACON, CLOSES, OPENS, SEED, SIGNATURE, announce, apply_club
from tests.applications.test_intakes import DOCUMENT
from tests.children.builders import registered

WINDOW = "/v1/applications/intakes/intake-2026-03"
ORDER = "/v1/queue/order?programme=clubs&area=karaganda&limit=100"
A_MINUTE = timedelta(minutes=1)


def published(cloud: TestCloud, checkpoint_id: str) -> list[dict[str, Any]]:
    """Publish the order and read it as everybody may."""
    operator = cloud.token("operator", "operator", areas=["karaganda"])
    said = cloud.put(
        f"/v1/queue/checkpoints/{checkpoint_id}",
        {"programme": "clubs", "area": "karaganda"},
        token=operator,
    )
    assert said.status == 200, said.text
    return list(cloud.get(ORDER).json["lines"])


def test_the_order_of_a_window_is_counted_again_from_what_is_public(cloud: TestCloud) -> None:
    parent = registered()
    announce()
    for n in range(26):
        # The later they come within the window, the earlier some are drawn.
        statuses = ("orphan",) if n % 3 == 0 else ()
        apply_club(
            parent,
            f"application-{n}",
            n,
            now=OPENS + n * A_MINUTE,
            statuses=statuses,
            ask=proves(*statuses),
        )
    late = apply_club(parent, "application-late", 30, now=CLOSES)

    cloud.set_clock(CLOSES)
    before = published(cloud, "checkpoint-before")
    cloud.set_clock(BEACON)
    assert cloud.get(WINDOW).json["seed"] is None
    operator = cloud.token("operator", "operator", areas=["karaganda"])
    said = cloud.put(
        f"{WINDOW}/beacon",
        {
            "round": cloud.get(WINDOW).json["beacon"]["round"],
            "randomness": SEED,
            "signature": SIGNATURE,
        },
        token=operator,
    )
    assert said.status == 200, said.text
    after = published(cloud, "checkpoint-after")

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
