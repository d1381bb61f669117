"""Schedule expressions as EventBridge reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.local import cron

START = datetime(2026, 2, 27, 12, 59, 30, tzinfo=UTC)  # a Friday
END = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 13 ? * MON-FRI *)", ["02-27 13:00", "03-02 13:00", "03-03 13:00"]),
        ("cron(0 13 ? * SUN,7 *)", ["02-28 13:00", "03-01 13:00"]),
        ("cron(0 13 ? * FRI-SUN *)", ["02-27 13:00", "02-28 13:00", "03-01 13:00"]),
        ("cron(30 19 1 * ? *)", ["03-01 19:30"]),
        ("cron(0 19 28-31/3 2 ? 2026)", ["02-28 19:00"]),
        ("cron(0 0/12 1 MAR ? 2020-2030)", ["03-01 00:00", "03-01 12:00"]),
        ("cron(0 5 31 * ? *)", []),
        ("rate(2 days)", ["02-28 00:00", "03-02 00:00"]),
    ],
)
def test_an_expression_falls_due_when_eventbridge_would_fire_it(
    expression: str, expected: list[str]
) -> None:
    found = cron.parse(expression).between(START, END)

    assert [f"{at:%m-%d %H:%M}" for at in found] == expected


def test_the_beginning_is_excluded_and_the_end_included() -> None:
    at = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
    rule = cron.parse("cron(0 13 * * ? *)")

    assert list(rule.between(at, at)) == []
    assert list(rule.between(datetime(2026, 3, 2, 13, 0, tzinfo=UTC), at)) == [at]


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 13 * * * *)",
        "cron(0 13 ? * ? *)",
        "cron(60 13 ? * MON *)",
        "cron(0 13 L * ? *)",
        "cron(0 13 ? * MON#2 *)",
        "cron(0 13 ? * *)",
        "cron(*/0 13 ? * MON *)",
        "rate(1 days)",
        "rate(2 day)",
        "rate(0 minutes)",
        "every day",
    ],
)
def test_what_eventbridge_would_refuse_is_refused(expression: str) -> None:
    with pytest.raises(cron.BadExpression):
        cron.parse(expression)
