"""Fresh tables on a real engine for a bench; the engine runs apart and its CPU is not counted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local import testing
from infra.local.places import credentials


@contextmanager
def fresh() -> Iterator[Any]:
    """Give a plain boto3 client on empty tables, with the application pointed at the same engine.

    No fault hooks are installed: every call costs what it costs in production.
    """
    from chalicelib.storage import secrets

    os.environ.update(credentials())
    os.environ.update({"KEZEK_STAGE": testing.STAGE, "POWERTOOLS_TRACE_DISABLED": "true"})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        secrets.new_keyring_file(folder / "keys.json")
        os.environ["KEZEK_KEYS_FILE"] = str(folder / "keys.json")
        secrets.forget_keyring()
        with testing.running_engine(folder) as engine:
            testing.TestTables(engine)
            import boto3

            yield boto3.client("dynamodb", endpoint_url=engine.endpoint)
