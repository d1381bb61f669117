"""Where the local cloud keeps its things, and what its parts are told by environment."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
REGION = "eu-central-1"
ACCOUNT = "000000000000"
STAGE = "local"


def project_root() -> Path:
    """Return the folder that holds app.py."""
    return Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Places:
    """The paths inside one data folder."""

    data: Path

    @property
    def database(self) -> Path:
        return self.data / "tables.sqlite"

    @property
    def queues(self) -> Path:
        return self.data / "queues.sqlite"

    @property
    def clock(self) -> Path:
        return self.data / "clock.json"

    @property
    def keys(self) -> Path:
        return self.data / "keys.json"

    @property
    def record_keys(self) -> Path:
        return self.data / "record-keys.json"

    @property
    def issuer(self) -> Path:
        return self.data / "issuer.json"

    @property
    def files(self) -> Path:
        return self.data / "files"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def lock(self) -> Path:
        return self.data / "lock"

    @property
    def run(self) -> Path:
        """Addresses and process ids of the running cloud; readable by its owner only."""
        return self.data / "run.json"


def work_queue(stage: str) -> str:
    """Return the name of a stage's work queue."""
    return f"kezek-{stage}-work"


def dead_letters_of(queue: str) -> str:
    """Return the name of the queue that a queue's undeliverable messages end in."""
    return f"{queue}-dead"


def streams_dead(stage: str) -> str:
    """Return the name of the on-failure destination of the streams."""
    return f"kezek-{stage}-streams-dead"


def schedules_dead(stage: str) -> str:
    """Return the name of the on-failure destination of the schedules."""
    return f"kezek-{stage}-schedules-dead"


def free_port() -> int:
    """Return a loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace a file in one step, so that a reader sees the old text or the new, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    half.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file; {} where there is none or it is half written."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def credentials() -> dict[str, str]:
    """Return credentials that open nothing; the SDK wants some."""
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        # Never ask a metadata service or a profile of the machine's owner.
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def environment(
    places: Places, *, endpoint: str, sqs: str, issuers: list[dict[str, Any]], stage: str = STAGE
) -> dict[str, str]:
    """Return what the HTTP and trigger processes are told; all that makes them local."""
    return {
        **({} if _is_aws(endpoint) else credentials()),
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": endpoint,
        "AWS_ENDPOINT_URL_SQS": sqs,
        "KEZEK_STAGE": stage,
        "KEZEK_KEYS_FILE": str(places.keys),
        "KEZEK_RECORD_KEYS_FILE": str(places.record_keys),
        "KEZEK_FILES": str(places.files),
        "KEZEK_ISSUERS": json.dumps(issuers),
        "POWERTOOLS_SERVICE_NAME": "kezek",
        "POWERTOOLS_METRICS_NAMESPACE": "Kezek",
    }


def _is_aws(endpoint: str) -> bool:
    return endpoint.rstrip("/").endswith(".amazonaws.com")
