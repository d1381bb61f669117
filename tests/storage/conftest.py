"""Known differences between data engines, so that none is skipped in silence.

`engine_differences.toml` names the engine, the test, what differs and why it does not matter. Such
a test must fail on that engine, strictly: an engine that was mended, or a test that was renamed, is
noticed.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("engine_differences.toml")
DIFFERENCES = tomllib.loads(FILE.read_text("utf-8"))["differs"]


def engine_name() -> str:
    """Return the engine the tests run on."""
    if wish := os.environ.get("KEZEK_TEST_ENGINE"):
        return wish
    return "given" if "DYNAMODB_ENDPOINT" in os.environ else "dynoxide"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [difference for difference in DIFFERENCES if difference["engine"] == engine_name()]
    for item in items:
        for difference in here:
            if item.nodeid.endswith(difference["test"]):
                reason = f"{difference['engine']}: {difference['what']} {difference['why']}"
                item.add_marker(pytest.mark.xfail(strict=True, reason=reason))
