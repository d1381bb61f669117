"""C1: the system as its OpenAPI document says, by schemathesis with all its checks.

A few cases of each operation, drawn alike each time; `make fuzz` tries many (fuzz_c1.py).
"""

from __future__ import annotations

from schemathesis import GenerationMode

from tests.promises.rewind import Kept
from tests.promises.trials import (
    CASES,
    Known,
    Trial,
    all_checks,
    known_city,  # noqa: F401 — a fixture
    operations,
)


def test_c1_every_operation_answers_as_the_document_says(known: Known) -> None:
    kept = Kept(known.city.cloud.tables)
    checks = all_checks()
    failures: list[str | None] = []
    tried = 0
    for operation in operations():
        trial = Trial(known, operation, checks)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            failures.append(trial.round(mode, CASES // 2))
        tried += trial.tried
        kept.put_back()
    failed = [failure for failure in failures if failure]
    assert tried
    assert not failed, "\n".join(failed)
