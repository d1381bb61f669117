"""A family that leaves for good: its application withdrawn, its data erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stories.people import iin

if TYPE_CHECKING:
    from tests.promises.script import City

SURNAME, GIVEN, CHILD_NAME = "Турмалинбекова", "Опалгүл", "Агатбек"
ADDRESS, PHONE = "Талдықорған, Родонит көшесі, 93", "+77012468013"
IIN, CHILD_IIN = iin(60), iin(160)
CANARIES = (SURNAME, GIVEN, CHILD_NAME, "Родонит", PHONE[1:], IIN, CHILD_IIN)
ERASED = "erasure-canary"


def rights(city: City) -> None:
    """Somebody registers, applies, withdraws; asks to be erased, takes it back, asks again."""
    family = city.person("representative", "family-gone")
    me = {
        "iin": IIN,
        "surname": SURNAME,
        "given_name": GIVEN,
        "language": "kk",
        "contacts": [{"kind": "phone", "value": PHONE}],
    }
    child = {
        "iin": CHILD_IIN,
        "surname": SURNAME,
        "given_name": CHILD_NAME,
        "birth_date": city.born,
        "sex": "male",
        "address": ADDRESS,
    }
    city.act(family, "/v1/children/me", me)
    applied = city.act(
        family,
        "/v1/applications/application-gone",
        {**city.here, **city.wishes, "child": child, "statuses": ["sen"]},
    )
    city.act(family, "/v1/applications/application-gone/withdrawal")
    city.cloud.drain()
    city.gone = applied["child_id"]  # type: ignore[attr-defined]
    asked = {"child_id": applied["child_id"]}
    other = {"child_id": "another-child"}
    path = "/v1/rights/erasures/erasure-first"
    city.act(family, path, asked, other=other)
    city.act(family, path, method="DELETE")
    path = f"/v1/rights/erasures/{ERASED}"
    city.act(family, path, asked, other=other)
    city.cloud.drain()
    # A child is of an area and of no direction.
    city.act(city.department, f"{path}/completion", foreign=city.far("department"))
    city.cloud.drain()
