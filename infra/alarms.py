"""The alarms of the template on what the code counts by itself, and on what did not happen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.edge.log import NAMESPACE, SERVICE


def loud() -> dict[str, Any]:
    """Alarms on what the code counts by itself (edge.log.loud)."""
    told = {
        "BreakGlass": "Somebody broke the glass: see that it is reviewed within a weekday",
        "QueueMoveUnexplained": "A place in a queue moved without a known cause",
        "SelfAuditIncomplete": "A night's self-audit is not whole: see which parts lack",
        "SelfAuditDiffers": "What was posted is not what is due: see the self-audit's open cases",
        "LedgerFlawed": "The ledger does not agree with itself: kezek ledger check names where",
        "BreakGlassUnreviewed": "An opening was not reviewed in its time",
        "CalendarRunMissing": "A run of the month's calendar did not start",
        "CalendarStepIncomplete": "A step of the month's calendar is not complete at some sites",
    }
    return {
        f"{metric}Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmDescription": description,
                "Namespace": NAMESPACE,
                "MetricName": metric,
                "Dimensions": [{"Name": "service", "Value": SERVICE}],
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
            },
        }
        for metric, description in told.items()
    }


# Schedules that the month's calendar, what is published of it, and the watch over money cannot do
# without. A day without any of them wakes somebody, also when nothing runs that could count it.
WATCHED = (
    "run_billing",
    "run_claims",
    "run_payday",
    "run_attendance",
    "run_clock",
    "run_watch",
    "run_self_audit",
    "run_ledger",
    "run_signals",
    # The bank's silence, a debt and a case that nobody decided have their terms there.
    "run_deadlines",
)
_A_DAY_S = 86_400


def started(logical_names: Mapping[str, str]) -> dict[str, Any]:
    """Alarms on what did not happen: a schedule that was not invoked, a watch that counts nothing.

    logical_names: of the functions, as the template names them.

    No data is the very thing that is looked for, so it breaches.
    """
    alarms: dict[str, Any] = {
        "CalendarWatchedAlarm": _absent(
            "Nobody looked whether the month's calendar runs",
            Namespace=NAMESPACE,
            MetricName="CalendarWatched",
            Dimensions=[{"Name": "service", "Value": SERVICE}],
        )
    }
    for name in WATCHED:
        logical = logical_names[name]
        of = [{"Name": "FunctionName", "Value": {"Ref": logical}}]
        alarms[f"{logical}NotStartedAlarm"] = _absent(
            f"{name} did not start for a day",
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=of,
        )
        alarms[f"{logical}FailedAlarm"] = {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmDescription": f"{name} ended with an error",
                "Namespace": "AWS/Lambda",
                "MetricName": "Errors",
                "Dimensions": of,
                "Statistic": "Sum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
            },
        }
    return alarms


def _absent(description: str, **metric: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": description,
            **metric,
            "Statistic": "Sum",
            "Period": _A_DAY_S,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "LessThanThreshold",
            "TreatMissingData": "breaching",
        },
    }
