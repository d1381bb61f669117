"""What a test of providers does over HTTP: organisations, sites, groups, and who may do what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from infra.local import testing
from infra.local.testing import Said
from tests.providers.builders import ADMISSION

BASE = "/v1/providers"
ORG, SITE, GROUP = "org-balapan", "site-balapan", "group-balapan-1"
BINS = ("050140000011", "050140000021", "050140000031")
ACCOUNT, OTHER_ACCOUNT = "KZ86125KZT5004100100", "KZ05125KZT5004100200"
REASON = {"rule": "fire-safety", "evidence": "no alarm in two rooms, act 14"}


class Town:
    """One area with its officers; `head` runs ORG, `stranger` another organisation."""

    def __init__(self, cloud: testing.TestCloud) -> None:
        self.cloud = cloud

    # --- people

    def token(self, who: str) -> str:
        """Return the token of one of the town's people."""
        area = {"areas": ["taldykorgan"]}
        people: dict[str, tuple[str, dict[str, Any]]] = {
            "head": ("head", {"organisations": [ORG, "org-second"]}),
            "stranger": ("head", {"organisations": ["org-stranger"]}),
            "department": ("department", area),
            "other-officer": ("department", area),
            "far-officer": ("department", {"areas": ["astana"]}),
            "everywhere": ("department", {"areas": ["*"]}),
            "commission": ("commission", area),
            "far-commission": ("commission", {"areas": ["astana"]}),
            "auditor": ("auditor", {}),
            "representative": ("representative", {}),
        }
        role, claims = people[who]
        return self.cloud.token(role, who, **claims)

    def put(self, who: str, path: str, body: object) -> Said:
        """Send a PUT as somebody."""
        return self.cloud.put(f"{BASE}/{path}", body, token=self.token(who))

    def by_two(self, path: str, body: object) -> Said:
        """Send a PUT that needs two officers: another one proposes it, the department does it."""
        proposed = self.put("other-officer", path, body)
        assert proposed.status == 202, proposed.text
        return self.put("department", path, body)

    def get(self, who: str | None, path: str, **query: str) -> Said:
        """Send a GET as somebody, or as the public."""
        token = self.token(who) if who else None
        return self.cloud.get(f"{BASE}/{path}", token=token, query=query or None)

    def at(self, instant: datetime) -> None:
        """Set the clock."""
        self.cloud.set_clock(instant)

    # --- what they do

    def organisation(self, organisation_id: str = ORG, who: str = "head", **said: Any) -> Said:
        """Register an organisation."""
        return self.put(who, f"organisations/{organisation_id}", organisation_body(**said))

    def site(self, site_id: str = SITE, who: str = "head", **said: Any) -> Said:
        """Describe a site."""
        return self.put(who, f"sites/{site_id}", site_body(**said))

    def group(self, group_id: str = GROUP, who: str = "head", **said: Any) -> Said:
        """Describe a group."""
        return self.put(who, f"groups/{group_id}", group_body(**said))

    def described(self, **said: Any) -> None:
        """Register the organisation and describe its site."""
        ok(self.organisation())
        ok(self.site(**said))

    def submitted(self) -> None:
        """Bring the site to the formal check."""
        self.described()
        ok(self.put("head", f"sites/{SITE}/submission", submission_body()))

    def in_check(self) -> None:
        """Bring the site before the commission."""
        self.submitted()
        ok(self.put("department", f"sites/{SITE}/check", {"result": "complete"}))

    def admitted(self) -> None:
        """Let the commission admit the site."""
        self.in_check()
        ok(self.put("commission", f"sites/{SITE}/decision", {"result": "admit"}))

    def listed(self) -> None:
        """Bring the site on the List."""
        self.admitted()
        ok(self.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))

    def suspended(self) -> None:
        """Suspend the listed site."""
        self.listed()
        ok(self.put("department", f"sites/{SITE}/suspension", measure_body("2-Ө")))


def ok(said: Said) -> Any:
    """Return the answer of a request that must succeed."""
    assert said.status == 200, said.text
    return said.json


def organisation_body(**said: Any) -> dict[str, Any]:
    return {
        "bin": BINS[0],
        "name": "Балапан балабақшасы",
        "form": "private",
        "payee": "ЖШС Балапан",
        "account": ACCOUNT,
        "bank": "AAAAKZKX",
        "contact": "+77280000000",
        **said,
    }


def site_body(**said: Any) -> dict[str, Any]:
    return {
        "organisation_id": ORG,
        "programme": "preschool",
        "area": "taldykorgan",
        "name": "Балапан",
        "address": "Талдықорған, Абай көшесі, 1",
        "locality": "urban",
        "form": "private",
        "location": {"lat": 45.0156, "lon": 78.3739},
        **said,
    }


def group_body(**said: Any) -> dict[str, Any]:
    return {
        "site_id": SITE,
        "name": "Күншуақ",
        "academic_year": 2025,
        "age_from": 3,
        "age_to": 4,
        "language": "kk",
        "kind": "general",
        "hours": "10.5",
        "capacity": 20,
        **said,
    }


def submission_body(attempt: int = 1, without: str | None = None) -> dict[str, Any]:
    items = [
        {
            "item": item.code,
            "state": "ready",
            "document": "KZ-12/345",
            **({"valid_to": "2027-01-31"} if item.validity_days else {}),
        }
        for item in ADMISSION.items
        if item.code != without
    ]
    return {"checklist": items, "attempt": attempt}


def measure_body(act: str, **said: Any) -> dict[str, Any]:
    return {"act": act, "reasons": [REASON], **said}
