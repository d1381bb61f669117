"""The data engine: found or fetched, chosen, started.

    DYNAMODB_ENDPOINT=http://…     start nothing, use that
    npm answers                    dynoxide, a binary over SQLite, checked against engine/pins.json
    otherwise                      ministack from pip, in a virtual environment of its own

The choice is told in one line where it is not the first one.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.places import LOOPBACK, project_root, read_json

MINISTACK = "ministack==1.5.33"
_HERE = Path(__file__).parent
_INSTALL_S = 180

Say = Callable[[str], None]


class EngineMissing(RuntimeError):
    """The engine that was asked for cannot be had on this machine."""


class EngineTampered(RuntimeError):
    """The downloaded engine is not the one that was reviewed; it is not started."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How to start an engine: command None means that it runs already, elsewhere.

    database: the SQLite file, for dynoxide on disk only. durable: survives kill -9.
    """

    name: str
    endpoint: str
    command: list[str] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    database: Path | None = None
    durable: bool = False


def home() -> Path:
    """Return the folder that engines are installed in, shared by all data folders."""
    return project_root() / ".local"


def choose(
    *, port: int, database: Path | None, state: Path, wish: str | None = None, say: Say
) -> Engine:
    """Return the engine to use.

    database: SQLite file, or None for one in memory; state: folder for ministack;
    wish: "dynoxide" or "ministack" to insist. Raises EngineMissing, EngineTampered.
    """
    given = os.environ.get("DYNAMODB_ENDPOINT")
    if given and wish is None:
        return Engine("given", given.rstrip("/"), durable=True)
    if wish != "ministack":
        binary, why = dynoxide()
        if binary is not None:
            return _dynoxide(binary, port, database)
        if wish == "dynoxide":
            raise EngineMissing(f"dynoxide cannot be had here: {why}")
        say(f"{why}: using ministack instead, which loses data on kill -9")
    return _ministack(port, state)


def dynoxide() -> tuple[Path | None, str]:
    """Return the verified binary, installing it on first need; or None and the reason."""
    package = _package()
    folder = home() / "engine"
    binary = folder / "node_modules" / package / "dynoxide"
    # Always under the lock: a binary that another process is still unpacking looks complete.
    with _alone(folder):
        if not _as_pinned(package, folder, binary):
            why = _npm_install(folder)
            if why:
                return None, why
            if not binary.is_file():
                return None, f"npm has no engine for this machine ({package})"
            if not _as_pinned(package, folder, binary):
                raise EngineTampered(f"what npm fetched as {package} differs from engine/pins.json")
        binary.chmod(0o755)
    return binary, ""


def _npm_install(folder: Path) -> str:
    """Fetch the engine; return why not, or nothing."""
    if shutil.which("npm") is None:
        return "npm is not installed"
    # What an interrupted install left behind would be taken for whole.
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    (folder / "package-lock.json").unlink(missing_ok=True)
    shutil.copy(_HERE / "engine" / "package.json", folder / "package.json")
    try:
        said = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=folder,
            capture_output=True,
            timeout=_INSTALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "npm does not answer"
    return "npm cannot fetch the engine" if said.returncode else ""


def _as_pinned(package: str, folder: Path, binary: Path) -> bool:
    """Tell whether the engine is there and equals the pin, tarball and binary both.

    A platform without a pin rests on npm's own check of the tarball.
    """
    if not binary.is_file():
        return False
    pin = json.loads((_HERE / "engine" / "pins.json").read_text()).get(package)
    if pin is None:
        return True
    lock = read_json(folder / "package-lock.json")
    entry = lock.get("packages", {}).get(f"node_modules/{package}", {})
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    expected = (pin["version"], pin["integrity"], pin["binary_sha256"])
    return (entry.get("version"), entry.get("integrity"), digest) == expected


def _package() -> str:
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "other")
    machine = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}
    return f"@dynoxide/{system}-{machine.get(platform.machine().lower(), 'other')}"


def _dynoxide(binary: Path, port: int, database: Path | None) -> Engine:
    command = [str(binary), "--host", LOOPBACK, "--port", str(port)]
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        command += ["--db-path", str(database)]
    return Engine(
        "dynoxide",
        f"http://{LOOPBACK}:{port}",
        command,
        database=database,
        durable=database is not None,
    )


def _ministack(port: int, state: Path) -> Engine:
    venv = home() / "ministack-venv"
    program = venv / "bin" / "ministack"
    if not program.is_file():
        with _alone(venv):
            if not program.is_file():
                _install_ministack(venv)
    state.mkdir(parents=True, exist_ok=True)
    settings = {
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state.resolve()),
        "SERVICES": "dynamodb,dynamodbstreams",
        "LOG_LEVEL": "WARNING",
    }
    return Engine("ministack", f"http://{LOOPBACK}:{port}", [str(program)], settings)


def _install_ministack(venv: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)], capture_output=True, timeout=60, check=False
    )
    put = subprocess.run(
        [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", MINISTACK],
        capture_output=True,
        timeout=_INSTALL_S,
        check=False,
    )
    if made.returncode != 0 or put.returncode != 0:
        raise EngineMissing("neither npm nor pip can fetch a data engine")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, since test workers may all want to install at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tethered(command: list[str], signal_name: str = "KILL") -> list[str]:
    """Return a command that ends when its parent does."""
    return [sys.executable, "-S", "-E", str(_HERE / "tether.py"), signal_name, *command]


def spawn(engine: Engine, log: Path) -> subprocess.Popen[bytes]:
    """Start an engine whose output goes to a file; from the main thread, which it is tied to."""
    if engine.command is None:
        raise EngineMissing("a given endpoint is not ours to start")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            tethered(engine.command),
            env={**os.environ, **engine.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def wait_until_ready(
    endpoint: str,
    process: subprocess.Popen[bytes] | None,
    *,
    within_s: float = 20.0,
    stop: threading.Event | None = None,
) -> None:
    """Return once something answers HTTP at an endpoint, or `stop` is set. Raises EngineMissing."""
    end = time.monotonic() + within_s
    pause = 0.005
    while time.monotonic() < end and not (stop and stop.is_set()):
        if process is not None and process.poll() is not None:
            raise EngineMissing(f"{endpoint} ended with code {process.returncode}")
        try:
            with urllib.request.urlopen(endpoint, timeout=1.0):  # nosec B310
                return
        except urllib.error.HTTPError as answered:
            answered.close()
            return
        except OSError:
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
    if stop is None or not stop.is_set():
        raise EngineMissing(f"nothing answers at {endpoint} after {within_s:.0f} s")


def client(service: str, endpoint: str) -> Any:
    """Return a boto3 client of an engine, for the local cloud's own use."""
    import boto3
    from botocore.config import Config

    from infra.local.places import REGION

    given = {} if endpoint.endswith(".amazonaws.com") else _KEYS
    return boto3.session.Session().client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        # Shard ids of short table names are shorter than botocore's model allows.
        config=Config(
            parameter_validation=False,
            user_agent_extra=OWN_MARK,
            connect_timeout=1,
            read_timeout=10,
            retries={"total_max_attempts": 3},
        ),
        **given,
    )


OWN_MARK = "kezek-local-cloud"
_KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
