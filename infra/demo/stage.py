"""The stage of the demo: a local cloud, its clock, tokens for everybody, many hands at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from chalicelib.kernel.periods import almaty
from infra.client import Answer, Api
from infra.command.saying import CommandFailed, progress
from infra.local import keyring
from infra.local.clock import FileClock
from infra.local.control import Control, ControlError, NotServing
from infra.local.issuer import Issuer
from infra.local.places import Places

T = TypeVar("T")
R = TypeVar("R")

HANDS = 8
PROTECTED = "protected"  # how a list names a status that it does not say
_STARTS_S = 120.0


class Unexpected(RuntimeError):
    """Kezek answered otherwise than the story needs; the demo cannot go on."""


def at(day: str, clock: str = "09:00") -> datetime:
    """Return an instant in Kazakhstan: at("2026-07-20", "18:00")."""
    return datetime.fromisoformat(f"{day}T{clock}:00").replace(tzinfo=almaty())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where and when a story plays. data: the folder of its cloud, a demo each.

    registered: child's IIN → statuses that the family card's register of the city knows.
    """

    programme: str
    area: str
    data: Path
    start: datetime
    registered: Callable[[], Mapping[str, list[str]]]


@dataclass(slots=True)
class Stage:
    """A running Kezek and what the story did with it."""

    scene: Scene
    control: Control
    api: Api
    issuer: Issuer
    started: float = field(default_factory=time.monotonic)
    calls: int = 0
    acts: list[tuple[str, float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return how long the story takes already."""
        return time.monotonic() - self.started

    @property
    def programme(self) -> str:
        return self.scene.programme

    @property
    def area(self) -> str:
        return self.scene.area

    # --- people

    def family(self, account: str) -> Api:
        """Return a client of a representative by the account on the portal."""
        return self.api.as_(self.issuer.token("representative", account))

    def head(self, organisation_id: str) -> Api:
        """Return a client of an organisation's head."""
        claims = {"organisations": [organisation_id]}
        return self.api.as_(self.issuer.token("head", f"head-{organisation_id}", claims))

    def officer(self, role: str, who: str = "", *, direction: str | None = None) -> Api:
        """Return a client of an officer of the area; direction: of that direction's alone."""
        # The operator serves the whole country, the others their city.
        claims = {
            "areas": ["*" if role == "operator" else self.area],
            "directions": [direction or "*"],
        }
        subject = who or "-".join(filter(None, (role, self.area, direction)))
        return self.api.as_(self.issuer.token(role, subject, claims))

    # --- time

    def jump(self, to: datetime) -> None:
        """Let time pass quietly: what falls due meanwhile is looked at on arrival."""
        if to > self.control.now():
            self.control.advance(to, run_schedules=False)
        self.fire("run_deadlines")

    def fire(self, name: str, moment: datetime | None = None) -> None:
        """Run a schedule as the clock would, and all the work it makes."""
        told = self.control.fire(name, moment)
        if told.get("reason"):
            raise Unexpected(f"{name}: {told['reason']}")
        self.control.drain()

    def live(self, to: datetime, *schedules: str) -> None:
        """Let the clock run to an instant with these schedules firing by themselves."""
        for fired in self.control.advance(to, only=schedules):
            if fired.get("reason"):
                raise Unexpected(f"{fired['name']}: {fired['reason']}")
        self.control.drain()

    # --- many hands

    def each(self, label: str, things: Sequence[T], do: Callable[[T], R]) -> list[R]:
        """Do something with each thing, eight at a time, with a progress bar; in their order."""
        done = 0
        made: list[R] = []
        with progress(label) as bar, ThreadPoolExecutor(HANDS) as pool:
            for result in pool.map(do, things):
                made.append(result)
                done += 1
                bar.at(done, len(things))
        self.calls += len(things)
        return made

    @contextlib.contextmanager
    def act(self, name: str) -> Iterator[None]:
        """Time a part of the story."""
        begun, calls = time.monotonic(), self.calls
        yield
        self.acts.append((name, time.monotonic() - begun, self.calls - calls))


def good(answer: Answer) -> Any:
    """Return what a yes says. Raises Unexpected."""
    if not answer.good:
        raise Unexpected(f"{answer.status} {answer.code}: {answer.detail}")
    return answer.json()


def pages(api: Api, path: str, items: str = "items", **query: object) -> Iterator[Any]:
    """Yield all items of a list, whatever its pages."""
    cursor: str | None = None
    while True:
        found = good(api.get(path, limit=100, cursor=cursor, **query))
        yield from found[items]
        cursor = found.get("next_cursor") or found.get("cursor") or found.get("next")
        if not cursor:
            return


def claimed(stage: Stage) -> list[tuple[str, str]]:
    """Return (application, status) of what waits for an officer to look at papers.

    What is protected stands in no list; an officer opens it one by one, and says why.
    """
    department = stage.officer("department").for_("verification")
    asked = {"programme": stage.programme, "area": stage.area}
    found: list[tuple[str, str]] = []
    for entry in pages(department, "/v1/applications/to-verify", **asked):
        name = str(entry["application_id"])
        statuses = [s for s in entry["statuses"] if s["status"] != PROTECTED]
        if len(statuses) < len(entry["statuses"]):
            opened = good(department.get(f"/v1/applications/{name}/protected"))
            statuses += opened["protected"]
        found += [(name, s["status"]) for s in statuses if s["state"] == "claimed"]
    return found


@dataclass(slots=True)
class Cloud:
    """The process that serves the demo."""

    process: subprocess.Popen[bytes]
    control: Control

    def wait(self) -> None:
        """Wait until somebody ends it."""
        self.process.wait()


@contextlib.contextmanager
def serving(scene: Scene, *, port: int, keep: bool) -> Iterator[Cloud]:
    """Serve a fresh data folder from a simulated instant; the cloud ends with the block."""
    data = scene.data
    with contextlib.suppress(NotServing):
        Control.of(data)
        raise CommandFailed(f"a demo already runs in {data}", hint="end it with Ctrl-C first")
    if not keep:
        shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, exist_ok=True)
    places = Places(data.resolve())
    try:
        keyring.check(places.keys)
    except keyring.OtherKeys as error:
        raise CommandFailed(str(error), hint="without --keep the demo starts anew") from None
    if not places.clock.exists():
        FileClock(places.clock).run_from(scene.start)
    _registers(places, scene.registered())
    command = [sys.executable, "-m", "infra.local", "serve", "--port", str(port)]
    command += ["--data", str(data)]
    log = (data / "serve.log").open("ab")
    told = {**os.environ, "KEZEK_REGISTRY": str(data.resolve() / "registry.json")}
    process = subprocess.Popen(command, stdout=log, stderr=log, env=told)
    try:
        yield Cloud(process, _ready(process, data))
    finally:
        _stop(process)
        log.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the cloud, and nothing else; its supervisor ends the parts."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], data: Path) -> Control:
    end = time.monotonic() + _STARTS_S
    while time.monotonic() < end:
        if process.poll() is not None:
            lines = (data / "serve.log").read_text(errors="replace").strip().splitlines()
            raise CommandFailed(
                f"the local cloud does not start: {lines[-1] if lines else 'no reason given'}",
                hint=f"see {data / 'serve.log'}; another port: --port 8001",
            )
        with contextlib.suppress(NotServing, ControlError, OSError):
            control = Control.of(data)
            if control.is_ready():
                return control
        time.sleep(0.1)
    raise CommandFailed("the local cloud is not ready in two minutes")


def _registers(places: Places, registered: Mapping[str, list[str]]) -> None:
    """Write the family card's register of the invented city: keyed digests → statuses."""
    import json

    from chalicelib.storage import secrets

    secrets.new_keyring_file(places.keys)
    os.environ["KEZEK_KEYS_FILE"] = str(places.keys)
    secrets.forget_keyring()
    card = {
        digest: codes
        for iin, codes in registered.items()
        for digest in secrets.number_digests("iin", iin)
    }
    (places.data / "registry.json").write_text(json.dumps(card), "utf-8")


def later(moment: datetime, **more: float) -> datetime:
    """Return a later instant."""
    return moment + timedelta(**more)
