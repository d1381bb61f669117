"""The preschool story: a city moves to Kezek in July, and is paid for September in October."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.demo.preschool import attending, paying, queueing, sample, telling
from infra.demo.stage import Scene, Stage

SCENE = Scene(
    programme="preschool",
    area="taldykorgan",
    data=Path(".local/demo"),
    start=queueing.START,
    registered=sample.registered,
)


def play(stage: Stage) -> bool:
    """Play the acts; return whether every figure is as expected."""
    summer = queueing.play(stage)
    autumn = attending.play(stage, summer)
    winter = paying.play(stage, summer, autumn)
    return telling.tell(stage, summer, autumn, winter, stage.seconds)


def people(stage: Stage) -> list[tuple[str, str, dict[str, Any]]]:
    """Return who may look at the city afterwards: role, subject, claims."""
    family = next(iter(sample.families().values()))
    garden = next(iter(sample.gardens().values()))
    own = {"organisations": [garden.organisation_id]}
    area = {"areas": [stage.area]}
    return [
        ("representative", family.account, {}),
        ("head", f"head-{garden.organisation_id}", own),
        ("educator", f"educator-{garden.organisation_id}", own),
        ("commission", "commission-1", area),
        ("department", "department-1", area),
        ("department", "department-2", area),
        ("clerk", "clerk-1", area),
        ("finance", "finance-1", area),
        ("auditor", "auditor-1", area),
        ("operator", "operator-1", {"areas": ["*"]}),
    ]
