"""The clubs' story: a window in September, lessons in October, paid in November."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.demo.clubs import learning, opening, paying, sample, telling
from infra.demo.stage import Scene, Stage

SCENE = Scene(
    programme="clubs",
    area="karaganda",
    data=Path(".local/demo-clubs"),
    start=opening.START,
    registered=sample.registered,
)


def play(stage: Stage) -> bool:
    """Play the acts; return whether every figure is as expected."""
    autumn = opening.play(stage)
    month = learning.play(stage, autumn)
    winter = paying.play(stage, autumn, month)
    return telling.tell(stage, autumn, month, winter, stage.seconds)


def people(stage: Stage) -> list[tuple[str, str, dict[str, Any]]]:
    """Return who may look at the city afterwards: role, subject, claims."""
    family = next(iter(sample.families().values()))
    house = next(iter(sample.houses().values()))
    own = {"organisations": [house.organisation_id]}
    area = {"areas": [stage.area], "directions": ["*"]}
    return [
        ("representative", family.account, {}),
        ("head", f"head-{house.organisation_id}", own),
        ("educator", f"educator-{house.organisation_id}", own),
        ("commission", "commission-1", area),
        *(
            ("department", f"department-{direction}", area | {"directions": [direction]})
            for direction in sample.DIRECTIONS
        ),
        ("finance", "finance-1", area),
        ("auditor", "auditor-1", area),
        ("clerk", "clerk-1", {"areas": [stage.area]}),
        ("operator", "operator-1", {"areas": ["*"]}),
    ]
