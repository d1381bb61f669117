"""A town with clubs: three directions, each with its department, and a commission of five."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from chalicelib.policy.actions import load_pack
from infra.local.testing import Said
from tests.providers.builders import TODAY
from tests.providers.town import BASE, GROUP, ORG, SITE, Town, ok, organisation_body

AREA = "karaganda"
RULES = load_pack("clubs", AREA).at(TODAY)
MEMBERS = ("m1", "m2", "m3", "m4", "m5")
NO_FIRST_AID = {"rule": "first-aid", "evidence": "the trainer's course ended in January"}
ALL_THERE = {"rule": "first-aid", "evidence": "every coach's certificate was seen"}
NO_CAMERAS = {"rule": "cameras", "evidence": "no camera at the entrance, act 7"}
# The last day of papers that last a year; others last as long as the rules say.
LAST = date(2027, 2, 28)
# The city's centre, and clubs to the north of it; a thousandth of a degree is 111 m.
CENTRE = {"lat": 49.8, "lon": 73.1}


class ClubTown(Town):
    """One city with its officers; `head` runs ORG, whose site is a sport club."""

    def token(self, who: str) -> str:
        """Return the token of one of the city's people; m1 to m5 are the sport commission."""
        sport = {"areas": [AREA], "directions": ["sport"]}
        creative = {"areas": [AREA], "directions": ["creative"]}
        people: dict[str, tuple[str, dict[str, Any]]] = {
            "head": ("head", {"organisations": [ORG, "org-second"]}),
            "stranger": ("head", {"organisations": ["org-stranger"]}),
            "department": ("department", sport),
            "culture": ("department", creative),
            "undirected": ("department", {"areas": [AREA]}),
            "all-directions": ("department", {"areas": [AREA], "directions": ["*"]}),
            "far-officer": ("department", {"areas": ["astana"], "directions": ["*"]}),
            "culture-member": ("commission", creative),
            "auditor": ("auditor", {}),
            "operator": ("operator", {"areas": [AREA]}),
            "representative": ("representative", {}),
            **dict.fromkeys(MEMBERS, ("commission", sport)),
        }
        role, claims = people[who]
        return self.cloud.token(role, who, **claims)

    def site(self, site_id: str = SITE, who: str = "head", **said: Any) -> Said:
        """Describe a club."""
        return self.put(who, f"sites/{site_id}", club_body(**said))

    def group(self, group_id: str = GROUP, who: str = "head", **said: Any) -> Said:
        """Describe a group of judo."""
        return self.put(who, f"groups/{group_id}", judo_body(**said))

    def submitted(self, site_id: str = SITE, **said: Any) -> None:
        """Bring the club to the formal check."""
        ok(self.organisation())
        ok(self.site(site_id, **said))
        self.hand_in(site_id, direction=said.get("direction", "sport"))

    def hand_in(
        self, site_id: str = SITE, attempt: int = 1, direction: str = "sport", **papers: Any
    ) -> None:
        """Hand the described club in."""
        body = checklist_body(direction, attempt, **papers)
        ok(self.put("head", f"sites/{site_id}/submission", body))

    def in_check(self, site_id: str = SITE, **said: Any) -> None:
        """Bring the club before the commission."""
        self.submitted(site_id, **said)
        ok(self.put("all-directions", f"sites/{site_id}/check", {"result": "complete"}))

    def vote(self, who: str, result: str = "admit", *reasons: dict[str, str], **said: Any) -> Said:
        """Vote as a member on SITE; a vote to admit has a reason where none is given."""
        step = said.pop("step", "decision")
        given = reasons or ((ALL_THERE,) if result == "admit" else ())
        body = {"result": result, "reasons": list(given), **said}
        return self.put(who, f"sites/{SITE}/{step}", body)

    def admitted(self) -> None:
        """Let three members admit the club."""
        self.in_check()
        for member in MEMBERS[:3]:
            ok(self.vote(member))

    def refused(self) -> None:
        """Let two of three members refuse the club."""
        self.in_check()
        ok(self.vote("m1"))
        ok(self.vote("m2", "refuse", NO_FIRST_AID))
        ok(self.vote("m3", "refuse", NO_FIRST_AID, NO_CAMERAS))

    def listed(self, site_id: str = SITE) -> None:
        """Bring the club on the List."""
        self.admitted()
        ok(self.put("department", f"sites/{site_id}/listing", {"act": "1-Ө"}))

    def imported(self, site_id: str, groups: list[dict[str, Any]], **said: Any) -> Any:
        """Put a club straight on the List, by an act."""
        return ok(self.import_club(site_id, groups, **said))

    def import_club(self, site_id: str, groups: list[dict[str, Any]], **said: Any) -> Said:
        """Ask for a club to be put on the List by an act."""
        payee = {"organisation_id": ORG, **organisation_body()}
        del payee["payee"]
        body = {**club_body(), **said}
        del body["organisation_id"]
        return self.put(
            "operator",
            f"imports/{site_id}",
            {
                "organisation": payee,
                **body,
                "groups": groups,
                "act": "88-Ө",
                "listed_on": "2026-02-02",
                "source": {"system": "akimat", "file": "0" * 64, "line": 2},
            },
        )

    def found(self, **query: str) -> list[str]:
        """Return the sites that the catalogue shows, in its order."""
        page = ok(self.get(None, "catalogue", programme="clubs", area=AREA, **query))
        return [offer["site_id"] for offer in page["items"]]

    def unfound(self, **query: str) -> Said:
        """Ask the catalogue for what it refuses."""
        return self.get(None, "catalogue", programme="clubs", area=AREA, **query)

    def everyone(self, path: str = "") -> str:
        """Return a path of this slice."""
        return f"{BASE}/{path}"


def club_body(**said: Any) -> dict[str, Any]:
    return {
        "organisation_id": ORG,
        "programme": "clubs",
        "area": AREA,
        "name": "Самбо",
        "address": "Қарағанды, Ерубаев көшесі, 1",
        "locality": "urban",
        "form": "private",
        "direction": "sport",
        "location": CENTRE,
        **said,
    }


def judo_body(**said: Any) -> dict[str, Any]:
    return {
        "site_id": SITE,
        "name": "Дзюдо, кіші топ",
        "academic_year": 2025,
        "age_from": 7,
        "age_to": 10,
        "language": "kk",
        "kind": "sport",
        "hours": "60",
        "activity": "judo",
        "capacity": 15,
        **said,
    }


def imported_group(group_id: str, **said: Any) -> dict[str, Any]:
    """Return a group as an import names it."""
    body = {**judo_body(**said), "group_id": group_id, "from_on": "2026-02-02"}
    del body["site_id"]
    return body


def checklist_body(direction: str = "sport", attempt: int = 1, **papers: Any) -> dict[str, Any]:
    """Return the whole checklist of a direction; `papers` replaces an item's fields."""
    items = []
    for item in RULES.admission.items:
        if item.kinds and direction not in item.kinds:
            continue
        shown: dict[str, Any] = {"item": item.code, "state": "ready", "document": "KZ-7"}
        if item.validity_days is not None:
            last = min(TODAY + timedelta(days=item.validity_days), LAST)
            shown["valid_to"] = last.isoformat()
        said = papers.get(item.code.replace("-", "_"), {})
        if said is not None:
            items.append({**shown, **said})
    return {"checklist": items, "attempt": attempt}
