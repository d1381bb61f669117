"""A new provider comes on the List by the book: sent back once, admitted, listed, tried.

It has no groups yet, so the city's figures stay those of the sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from infra.client import Api
from infra.demo.stage import Stage, Unexpected, good
from samples.draws import Draws
from samples.numbers import Numbers

ORGANISATION, SITE = "organisation-new", "site-new-0001"
ADMIT = {"rule": "fire-safety", "evidence": "the alarm was inspected this month"}
REASON = {"rule": "fire-safety", "evidence": "the alarm's inspection is older than a year"}


def expected(votes: int) -> list[str]:
    """Return the states that follow; votes: of the commission, as many as decide.

    Described, handed in, sent back for a correction, handed in again, checked, decided, listed,
    suspended, reinstated.
    """
    decided = ["in-check"] * votes
    return [
        "draft", "submitted", "draft", "submitted", "in-check", *decided, "listed", "suspended",
        "listed",
    ]  # fmt: skip


def play(stage: Stage, on: date, described: Mapping[str, Any]) -> list[str]:
    """Return the states the site went through, in order. described: what is special about it."""
    head = stage.head(ORGANISATION)
    direction = described.get("direction")
    department = stage.officer("department", direction=direction)
    rules = rules_on(stage, on)
    papers = _papers(rules, on, direction)
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
                "name": described["name"],
                "form": "private",
                "account": made.account(),
                "bank": "KCJBKZKX",
                "contact": "77010009999",
            },
        )
    )
    whole = {
        "organisation_id": ORGANISATION,
        "programme": stage.programme,
        "area": stage.area,
        "locality": "urban",
        "form": "private",
        **described,
    }
    step(site, whole, head)
    step(f"{site}/submission", {"checklist": papers, "attempt": 1}, head)
    back = {"result": "correction", "reasons": [REASON], "attempt": 1}
    step(f"{site}/check", back, department)
    step(f"{site}/submission", {"checklist": papers, "attempt": 2}, head)
    step(f"{site}/check", {"result": "complete", "attempt": 2}, department)
    own = department.put(f"{site}/decision", {"result": "admit", "attempt": 2})
    if own.good:
        raise Unexpected("the department decided what only the commission may decide")
    for member in range(votes_of(rules)):
        commission = stage.officer("commission", f"commission-{member + 1}", direction=direction)
        step(f"{site}/decision", {"result": "admit", "reasons": [ADMIT], "attempt": 2}, commission)
    step(f"{site}/listing", {"act": "No. 41"}, department)
    step(f"{site}/suspension", {"act": "No. 42", "reasons": [REASON]}, department)
    step(f"{site}/reinstatement", {"act": "No. 43", "reasons": []}, department)
    return states


def rules_on(stage: Stage, on: date) -> dict[str, Any]:
    """Return the rows in force on a day, as everybody may read them."""
    path = f"/v1/policy/packs/{stage.programme}/{stage.area}"
    found: dict[str, Any] = good(stage.api.get(path, on=on.isoformat()))["rules"]
    return found


def votes_of(rules: Mapping[str, Any]) -> int:
    """Return how many members decide for the commission."""
    row = rules["admission"]
    return int((row[0] if isinstance(row, list) else row).get("quorum") or 1)


def _papers(rules: Mapping[str, Any], on: date, direction: str | None) -> list[dict[str, object]]:
    papers: list[dict[str, object]] = []
    for item in rules["checklist"]:
        if item.get("kinds") and direction not in item["kinds"]:
            continue
        paper = {"item": item["code"], "state": "ready", "document": "KZ-12/345"}
        if item.get("validity_days"):
            # Ready papers are valid for as long as their kind is, at most.
            paper["valid_to"] = (on + timedelta(days=min(180, item["validity_days"]))).isoformat()
        papers.append(paper)
    return papers
