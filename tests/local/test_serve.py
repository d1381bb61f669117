"""`make serve` as a whole: one line when ready, any part may die, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local import engine
from infra.local.control import Control, ControlError, NotServing
from infra.local.places import environment, free_port, project_root, read_json
from tests.local.tiny import effects


class Served:
    """A cloud served for a test, in a process of its own."""

    def __init__(self, data: Path, *more: str) -> None:
        self.data = data
        self.command = [
            *(sys.executable, "-m", "infra.local", "serve", "--app", "tests.local.tiny:app"),
            *("--port", str(free_port()), "--data", str(data), *more),
        ]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=project_root(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline().decode()
        assert self.line.startswith("Kezek is ready on http://127.0.0.1:"), self.logs()
        self.control = Control.of(self.data, wait_s=20)

    def stop(self, number: signal.Signals = signal.SIGINT) -> bytes:
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        return rest

    def logs(self) -> str:
        files = sorted((self.data / "logs").glob("*.log"))
        return self.line + "\n".join(f"{f.name}: {f.read_text()[-2000:]}" for f in files)

    def pids(self) -> dict[str, int]:
        return {name: int(pid) for name, pid in read_json(self.data / "run.json")["pids"].items()}

    def put(self, name: str, *, tries: int = 1) -> None:
        request = urllib.request.Request(f"{self.control.api}/notes/{name}", method="PUT")
        for left in reversed(range(tries)):
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    assert answer.status == 200
                    return
            except OSError:
                if not left:
                    raise
                time.sleep(0.1)

    def client(self, service: str) -> Any:
        found = read_json(self.data / "run.json")
        endpoint = found["engine"]["endpoint"] if service == "dynamodb" else found["runner"]
        return boto3.client(service, endpoint_url=endpoint)

    def send(self, *messages: dict[str, Any]) -> None:
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName="kezek-local-work")["QueueUrl"]
        for message in messages:
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))
        sqs.close()

    def done(self, what: str) -> dict[str, int]:
        client = self.client("dynamodb")
        try:
            return effects(what, client)
        finally:
            client.close()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    binary, why = engine.dynoxide()
    if binary is None:
        pytest.fail(f"what must survive kill -9 needs dynoxide: {why}")
    monkeypatch.delenv("DYNAMODB_ENDPOINT", raising=False)
    # `effects` reads this process's stage; the served cloud's is `local`.
    monkeypatch.setenv("KEZEK_STAGE", "local")
    made = Served(tmp_path / "data")
    yield made
    made.stop()


def until(told: Any, expected: object, within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while (found := told()) != expected:
        assert time.monotonic() < end, f"{found!r} is not {expected!r}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.is_dir() and Path("/proc/self").exists():
        return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_http_stream_and_queue_reach_the_handlers_and_one_line_is_printed(served: Served) -> None:
    served.put("a")
    served.send({"name": "m"}, {"name": "p", "poison": True})

    served.control.drain()

    assert (served.done("entry"), served.done("work")) == ({"a": 1}, {"m": 1})
    (letter,) = served.control.dead_letters()
    assert letter["reason"] == "tiny/poison"
    status = served.control.status()
    assert status["ready"]
    assert status["engine"] == "dynoxide"
    assert status["streams"]["entries"]["behind"] == 0
    assert status["queues"]["kezek-local-work-dead"]["visible"] == 1
    assert served.stop() == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_all_it_started_and_nothing_else(
    served: Served, number: signal.Signals
) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = served.pids()

    served.stop(number)

    assert served.process.returncode == 0
    assert not any(alive(pid) for pid in started.values())
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    with pytest.raises(NotServing):
        Control.of(served.data)


def test_parts_die_with_a_supervisor_that_is_killed_and_the_next_start_goes_on(
    served: Served,
) -> None:
    served.put("a")
    started = served.pids()

    served.stop(signal.SIGKILL)
    if sys.platform == "linux":
        until(lambda: [pid for pid in started.values() if alive(pid)], [])
    served.start()
    served.put("b")
    served.control.drain()

    assert set(served.done("entry")) == {"a", "b"}


@pytest.mark.parametrize("part", ["engine", "web", "runner"])
def test_a_killed_part_comes_back_and_nothing_acknowledged_is_lost(
    served: Served, part: str
) -> None:
    for n in range(5):
        served.put(f"before{n}")
        served.send({"name": f"before{n}"})
    served.control.drain()
    served.put("between")

    before = served.pids()[part]
    os.kill(before, signal.SIGKILL)
    until(lambda: served.pids()[part] != before and served.control.is_ready(), True)
    for n in range(5):
        served.put(f"after{n}", tries=100)
    until(lambda: "counters" in served.control.status(), True)
    served.send({"name": "after"})
    served.control.drain()

    names = {f"{when}{n}" for when in ("before", "after") for n in range(5)}
    entries = served.done("entry")
    assert set(entries) == names | {"between"}
    # What had been passed before the kill does not come again.
    assert {entries[f"before{n}"] for n in range(5)} == {1}
    assert set(served.done("work")) == {*(f"before{n}" for n in range(5)), "after"}
    assert served.control.dead_letters() == []
    assert served.control.status()["parts"][part]["restarts"] == 1


def test_the_clock_is_moved_for_every_process_and_survives_a_restart(served: Served) -> None:
    start = served.control.now()
    told: list[dict[str, Any]] = []

    fired = served.control.advance(start + timedelta(days=7), on_fired=told.append)

    assert fired == told
    assert {one["reason"] for one in fired} == {None}
    assert sum(one["name"] == "evening" for one in fired) == 5
    assert sum(one["name"] == "often" for one in fired) == 28
    assert [one["at"] for one in fired] == sorted(one["at"] for one in fired)
    assert timedelta(days=7) <= served.control.now() - start < timedelta(days=7, minutes=5)
    with pytest.raises(ControlError, match="already"):
        served.control.advance(start)
    served.stop()
    served.start()
    assert served.control.now() - start >= timedelta(days=7)
    assert served.control.fire("often", start)["reason"] is None


def test_the_issuers_keys_are_served_and_its_tokens_follow_the_clock(served: Served) -> None:
    import jwt

    moved = served.control.now() + timedelta(days=30)
    served.control.advance(moved, run_schedules=False)
    issuer = served.control.issuer()
    token = issuer.token(["officer"], "o1", {"areas": ["taldykorgan"]})
    address = f"{served.control.control}/.well-known/jwks.json"

    with urllib.request.urlopen(address, timeout=5) as answer:
        keys = jwt.PyJWKSet.from_dict(json.loads(answer.read()))
    claims = jwt.decode(
        token,
        keys[issuer.kid].key,
        algorithms=["EdDSA"],
        audience="kezek",
        options={"verify_exp": False, "verify_iat": False},
    )

    assert claims["roles"] == ["officer"]
    assert claims["areas"] == ["taldykorgan"]
    assert abs(claims["iat"] - moved.timestamp()) < 60
    assert (served.data / "issuer.json").stat().st_mode & 0o077 == 0
    assert (served.data / "run.json").stat().st_mode & 0o077 == 0


def test_backup_and_restore_work_on_the_running_system(served: Served, tmp_path: Path) -> None:
    served.put("kept")
    served.control.drain()
    served.send({"name": "waiting", "poison": True})
    target = tmp_path / "backup"
    manifest = served.control.backup(target)
    with pytest.raises(ControlError, match="not empty"):
        served.control.backup(target)

    served.put("lost")
    served.control.drain()
    restored = served.control.restore(target)

    assert restored["restored"] == manifest
    served.control.drain()
    assert served.done("entry") == {"kept": 1}
    assert [letter["reason"] for letter in served.control.dead_letters()] == ["tiny/poison"]
    served.put("later", tries=50)
    served.control.drain()
    assert set(served.done("entry")) == {"kept", "later"}

    (target / "queues.sqlite").write_bytes(b"torn")
    with pytest.raises(ControlError, match=r"queues\.sqlite"):
        served.control.restore(target)
    assert set(served.done("entry")) == {"kept", "later"}


def test_a_second_cloud_on_the_same_folder_or_port_is_refused_in_one_line(
    served: Served, tmp_path: Path
) -> None:
    again = subprocess.run(served.command, cwd=project_root(), capture_output=True, check=False)
    elsewhere = [*served.command[:-1], str(tmp_path / "other")]
    taken = subprocess.run(elsewhere, cwd=project_root(), capture_output=True, check=False)

    assert (again.returncode, taken.returncode) == (1, 1)
    assert b"another Kezek already serves" in again.stderr
    assert b"choose another with --port" in taken.stderr
    assert len(again.stderr.splitlines()) == len(taken.stderr.splitlines()) == 1


def test_nobody_without_the_secret_controls_the_cloud_and_all_ports_are_loopback(
    served: Served,
) -> None:
    for base, path in ((served.control.control, "/restore"), (served.control.runner, "/advance")):
        request = urllib.request.Request(base + path, b"{}")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        with refused.value as answer:
            assert answer.code == 403
    if Path("/proc/net/tcp").exists():
        assert listening_elsewhere(set(served.pids().values()) | {served.process.pid}) == []


def listening_elsewhere(pids: set[int]) -> list[str]:
    """Return listening addresses of processes that are not 127.0.0.1."""
    sockets = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            name = str(handle.readlink()) if handle.is_symlink() else ""
            if name.startswith("socket:["):
                sockets.add(name[8:-1])
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets and not fields[1].startswith("0100007F"):
                found.append(fields[1])
    return found


def test_the_children_are_told_everything_by_environment(tmp_path: Path) -> None:
    from infra.local.places import Places

    told = environment(
        Places(tmp_path), endpoint="http://127.0.0.1:1", sqs="http://127.0.0.1:2", issuers=[]
    )
    real = environment(
        Places(tmp_path),
        endpoint="https://dynamodb.eu-central-1.amazonaws.com",
        sqs="http://127.0.0.1:2",
        issuers=[],
    )

    assert told["AWS_ENDPOINT_URL_DYNAMODB"] == "http://127.0.0.1:1"
    assert told["AWS_ACCESS_KEY_ID"] == "local"
    # Against AWS the operator's own credentials stay in force.
    assert "AWS_ACCESS_KEY_ID" not in real


def test_an_application_that_does_not_import_is_named_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.local", "serve", "--app", "tests.local.nothing:app"]
    command += ["--port", str(free_port()), "--data", str(tmp_path / "data")]

    said = subprocess.run(command, cwd=project_root(), capture_output=True, timeout=60, check=False)

    assert said.returncode == 1
    assert said.stderr.startswith(b"the runner does not start")
    assert len(said.stderr.splitlines()) == 1
    assert said.stdout == b""
