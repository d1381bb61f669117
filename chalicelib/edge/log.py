"""One structured log: who, what, which ids, how long; never a name, a number or a note."""

from __future__ import annotations

import logging
import os
import traceback

from aws_lambda_powertools.logging import Logger

logger = Logger(
    service=os.environ.get("POWERTOOLS_SERVICE_NAME", "kezek"),
    level=os.environ.get("KEZEK_LOG_LEVEL", "INFO"),
)
# What alarms of the template look for.
NAMESPACE, SERVICE = "Kezek", "kezek"
# Below warnings these write what is sent, whatever level the root logger is given.
for _name in ("botocore", "boto3", "urllib3", "pynamodb", "pg8000"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def loud(message: str, *, metric: str, **ids: str) -> None:
    """Log what somebody is to be woken for, and count it in a metric that an alarm watches."""
    logger.error(message, extra=ids)
    beat(metric)


def beat(metric: str) -> None:
    """Count one in a metric that an alarm watches: of what happened, or of what must not stop."""
    from aws_lambda_powertools import Metrics
    from aws_lambda_powertools.metrics import MetricUnit

    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    metrics.add_metric(metric, MetricUnit.Count, 1)
    metrics.flush_metrics()


def bug(where: str, error: BaseException) -> None:
    """Log a bug once: its type and the lines it passed, never its message, which may hold data."""
    lines = [
        f"{frame.filename.rsplit('/chalicelib/', 1)[-1]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    logger.error("bug", extra={"where": where, "error": type(error).__name__, "lines": lines})
