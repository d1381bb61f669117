"""One DynamoDB client for every table: making one costs 50 ms of CPU, which a cold start pays.

All tries of a call fit well inside the gateway's 29 s; nothing above this retries for silence.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from chalicelib.storage import bulk

CONNECT_S, READ_S, TRIES = 1, 2, 3

_made: dict[str, Any] = {}
_lock = threading.Lock()


def region() -> str:
    """Return the region that the environment names."""
    return os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", "eu-central-1"))


def client() -> Any:
    """Return the process's client; made once, safe to share between threads."""
    found = _made.get("client")
    if found is not None:
        return found
    from botocore.config import Config
    from botocore.session import get_session

    with _lock:
        if "client" not in _made:
            config = Config(
                parameter_validation=False,
                connect_timeout=CONNECT_S,
                read_timeout=READ_S,
                retries={"total_max_attempts": TRIES, "mode": "standard"},
                max_pool_connections=25,
                # botocore would put its name together anew for each request.
                user_agent="kezek",
            )
            session = get_session()
            made = session.create_client("dynamodb", region(), config=config)
            bulk.listen(made)
            _made["client"] = made
        return _made["client"]


def forget() -> None:
    """Drop the client; for tests and commands that change the endpoint."""
    with _lock:
        _made.clear()
