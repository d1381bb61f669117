"""What is odd about the tablets' September, and what the department says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.promises.script import City


def signals(city: City) -> None:
    """The tablet signs arrivals and departures child by child: its clock seems to jump back."""
    city.cloud.drain()
    listed = city.department.get("/v1/signals", query=city.here)["signals"]
    assert listed, "a year without a signal"
    (first, *_) = [one for one in listed if one["kind"] == "clock-jump"]
    word = {"verdict": "dismissed", "reason": "explained", "seen": first["evidence"]}
    city.act(
        city.department,
        f"/v1/signals/{first['signal_id']}/decision",
        word,
        other={**word, "reason": "mistake"},
    )
