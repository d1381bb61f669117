"""What people complain of, and what becomes of it: answered, taken further, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.promises.script import City

TEXT = "Қанарейбекова Сапфирагүл: кезектегі орным неге өзгерді?"


def complaints(city: City) -> None:
    """A family asks about its application, a visitor about a site; one desk answers badly."""
    asked: dict[str, Any] = {
        "about": {"kind": "system"},
        "topic": "queue",
        "text": TEXT,
        "contact": "+77015554440",
        **city.here,
    }
    one = "/v1/complaints/complaint-1"
    other = {**asked, "text": f"{TEXT} Тағы да."}
    city.act(city.families[0], one, asked, other=other, foreign=city.families[1])
    visitor = {**asked, "contact": "+77015554441"}
    city.act(
        None,
        "/v1/complaints/visitors/complaint-2",
        visitor,
        other={**visitor, "text": f"{TEXT} Тағы да."},
    )
    far = city.far("department")
    city.act(city.other_officer, f"{one}/assignment", {}, foreign=far)
    city.act(
        city.other_officer,
        f"{one}/answer",
        {"text": f"{TEXT} Санаты өзгерді."},
        other={"text": f"{TEXT} Қатемен."},
        code="complaints/not-open",
        foreign=far,
    )
    further = {"why": f"{TEXT} Түсіндірілген жоқ."}
    city.act(city.families[0], f"{one}/escalation", further, foreign=city.families[1])
    city.act(
        city.families[0],
        f"{one}/closing",
        {"satisfied": False},
        other={"satisfied": True},
        code="complaints/closed",
        foreign=city.families[1],
    )
    city.cloud.drain()
