"""P13, C9: a cold start declares routes; what judges and stores comes with the first request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.imports import ANCHOR

ROOT = Path(__file__).resolve().parents[2]
# Of ours, all that declaring takes. More than these cost every cold start; see docs/performance.md.
ALLOWED = {
    "chalicelib",
    "chalicelib.edge",
    "chalicelib.edge.about",
    "chalicelib.edge.application",
    "chalicelib.edge.headers",
    "chalicelib.edge.log",
    "chalicelib.edge.problems",
    "chalicelib.edge.routes",
    "chalicelib.edge.texts",
    "chalicelib.kernel",
    "chalicelib.kernel.refusals",
}


def said_by(code: str) -> Any:
    """Return what a fresh interpreter prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def brought() -> set[str]:
    """The modules that `import app` brings beyond the anchor of P13."""
    return set(
        said_by(
            f"import json, sys; {ANCHOR}; before = set(sys.modules); import app; "
            "print(json.dumps(sorted(set(sys.modules) - before)))"
        )
    )


def test_p13_a_cold_start_brings_no_store_no_journal_and_no_slice(brought: set[str]) -> None:
    own = {name for name in brought if name.split(".")[0] == "chalicelib"}

    assert sorted(own - ALLOWED) == []


def test_p13_a_cold_start_brings_nothing_foreign_beyond_the_anchor(brought: set[str]) -> None:
    foreign = {name.split(".")[0] for name in brought} - {"app", "chalicelib"}

    assert sorted(foreign - sys.stdlib_module_names) == []
    assert "tomllib" not in brought  # tables and texts are read when they are asked for


def test_first_requests_that_come_at_once_are_all_answered() -> None:
    code = """
import json, app
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from infra.local.gateway import make_threadsafe

make_threadsafe(app.app)
together = Barrier(4)

def ask(path):
    event = {
        "requestContext": {"httpMethod": "GET", "resourcePath": path},
        "headers": {}, "multiValueQueryStringParameters": None, "pathParameters": {},
        "stageVariables": None, "body": None, "isBase64Encoded": False,
    }
    together.wait()
    return app.app(event, None)["statusCode"]

with ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(ask, ["/docs", "/v1/vouchers", "/v1/children", "/v1/notices"]))))
"""
    assert said_by(code) == [200, 401, 401, 401]
