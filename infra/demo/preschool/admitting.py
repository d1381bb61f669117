"""A new kindergarten comes on the List by the book: sent back once, admitted, listed, tried.

It has no groups yet, so the city's figures stay those of the sample.
"""

from __future__ import annotations

from datetime import date, timedelta

from infra.client import Api
from infra.demo.stage import Stage, Unexpected, good
from samples.draws import Draws
from samples.numbers import Numbers

# Described, handed in, sent back for a correction, handed in again, checked, decided, listed,
# suspended, reinstated.
EXPECTED = [
    "draft",
    "submitted",
    "draft",
    "submitted",
    "in-check",
    "in-check",
    "listed",
    "suspended",
    "listed",
]
ORGANISATION, SITE = "organisation-new", "site-new-0001"
REASON = {"rule": "fire-safety", "evidence": "the alarm's inspection is older than a year"}


def play(stage: Stage, on: date) -> list[str]:
    """Return the states the site went through, in order."""
    head = stage.head(ORGANISATION)
    department, commission = stage.officer("department"), stage.officer("commission")
    site = f"/v1/providers/sites/{SITE}"
    made = Numbers(Draws("admission"))
    states: list[str] = []

    def step(path: str, body: object, who: Api) -> None:
        states.append(str(good(who.put(path, body))["state"]))

    good(
        head.put(
            f"/v1/providers/organisations/{ORGANISATION}",
            {
                "bin": made.bin(),
                "name": "Жаңа бақша",
                "form": "private",
                "account": made.account(),
                "bank": "KCJBKZKX",
                "contact": "77010009999",
            },
        )
    )
    described = {
        "organisation_id": ORGANISATION,
        "programme": stage.programme,
        "area": stage.area,
        "name": "Жаңа бақша",
        "address": "Талдықорған, Жансүгіров көшесі, 1",
        "locality": "urban",
        "form": "private",
    }
    step(site, described, head)
    step(f"{site}/submission", {"checklist": _papers(stage, on), "attempt": 1}, head)
    back = {"result": "correction", "reasons": [REASON], "attempt": 1}
    step(f"{site}/check", back, department)
    step(f"{site}/submission", {"checklist": _papers(stage, on), "attempt": 2}, head)
    step(f"{site}/check", {"result": "complete", "attempt": 2}, department)
    own = department.put(f"{site}/decision", {"result": "admit", "attempt": 2})
    if own.good:
        raise Unexpected("the department decided what only the commission may decide")
    step(f"{site}/decision", {"result": "admit", "attempt": 2}, commission)
    step(f"{site}/listing", {"act": "No. 41"}, department)
    step(f"{site}/suspension", {"act": "No. 42", "reasons": [REASON]}, department)
    step(f"{site}/reinstatement", {"act": "No. 43", "reasons": []}, department)
    return states


def _papers(stage: Stage, on: date) -> list[dict[str, object]]:
    rules = good(
        stage.api.get(f"/v1/policy/packs/{stage.programme}/{stage.area}", on=on.isoformat())
    )["rules"]
    papers: list[dict[str, object]] = []
    for item in rules["checklist"]:
        paper = {"item": item["code"], "state": "ready", "document": "KZ-12/345"}
        if item.get("validity_days"):
            paper["valid_to"] = (on + timedelta(days=180)).isoformat()
        papers.append(paper)
    return papers
