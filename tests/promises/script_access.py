"""What officers and clerks do under guard: proposals, broken glasses, consents, a fraud."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.promises.script import City

OPENING = {
    "area": "taldykorgan",
    "reason": "Қанарейбекованың ісі бойынша сот сұрауы",
    "reason_code": "court-request",
    "minutes": 30,
}
PAPER = {"number": "№ 7", "signed_on": "2026-07-20"}


def guarded(city: City) -> None:
    """A proposal is withdrawn, a glass is broken and reviewed, two consents come and go."""
    proposed = city.cloud.put(
        f"/v1/children/{city.children[6]}/identity",
        {"given_name": "Сапфирбек"},
        token=city.department.token(),
    )
    assert proposed.status == 202, proposed.text
    city.act(city.department, f"/v1/access/proposals/{proposed.json['proposal_id']}/withdrawal")
    far = city.person("operator", "far-operator", areas=["astana"])
    broken = "/v1/access/break-glass/opening-1"
    city.act(far, broken, OPENING, other={**OPENING, "minutes": 29}, foreign=city.operator)
    city.act(far, f"{broken}/end", foreign=city.operator)
    city.act(
        city.department,
        f"{broken}/review",
        {"finding": "justified"},
        other={"finding": "not-justified"},
        code="access/reviewed-already",
    )
    consents(city)


def consents(city: City) -> None:
    """One consent by code, ended by its giver; one on paper, of somebody who is not registered."""
    here = {"areas": ["taldykorgan"]}
    clerk, second = (city.person("clerk", f"clerk-{n}", **here) for n in (1, 2))
    far = city.person("clerk", "far-clerk", areas=["almaty"])
    city.colleagues["clerk"] = second
    from tests.promises.script import iin, me

    asked: dict[str, Any] = {
        "iin": iin(6),
        "basis": "code",
        "powers": ["choose"],
        "minutes": 20,
    }
    consent = "/v1/access/consents/consent-1"
    city.act(clerk, consent, asked, other={**asked, "minutes": 21}, foreign=far)
    city.cloud.drain()
    notices = city.families[6].get("/v1/notices", query={"limit": "100"})["notices"]
    texts = [n["text"] for n in notices if n["template"] == "notice:access/consent-code"]
    code = re.findall(r"[A-Z2-9]{4}-[A-Z2-9]{4}", texts[0])[0]
    city.act(clerk, f"{consent}/code", {"code": code}, foreign=far)
    seen = city.cloud.get(
        "/v1/children", token=clerk.token(), headers={"kezek-consent": "consent-1"}
    )
    assert seen.status == 200, seen.text
    city.act(city.families[6], f"{consent}/end")

    unknown = {"iin": iin(61), "basis": "paper", "powers": ["register"], "minutes": 10}
    on_paper = "/v1/access/consents/consent-2"
    city.act(clerk, on_paper, unknown, foreign=far)
    city.act(clerk, f"{on_paper}/paper", PAPER, other={**PAPER, "number": "№ 8"}, foreign=far)
    said = city.cloud.put(
        "/v1/children/me",
        me(61),
        token=clerk.token(),
        headers={"kezek-consent": "consent-2"},
    )
    assert said.status == 200, said.text
    city.cloud.drain()


def fraud(city: City) -> None:
    """A voucher is cancelled for fraud."""
    decision = {"reason_code": "forged-papers", "act": "№ 19, 14.10.2026"}
    city.act(
        city.department,
        f"{city.voucher_path(3)}/cancellation",
        decision,
        other={**decision, "act": "№ 20, 14.10.2026"},
    )
    city.cloud.drain()
