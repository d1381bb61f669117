"""July's queue is checked by a stranger's script, before anybody answers.

Families' receipts and places, every published order, the first run counted again from all it read.
Then two tickets change places in a copy, as somebody would who moves a child forward: it is named.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from infra.command.saying import progress
from infra.demo.preschool import sample
from infra.demo.stage import Stage, Unexpected, good
from infra.local.places import project_root

SCRIPT = project_root() / "verify" / "kezek_verify.py"
FAMILIES = 5
LANGUAGES = ("kk", "ru", "en")


@dataclass(slots=True)
class Proved:
    """What the script said. moved, why_not, expected: what a family that waits reads, by language.

    tickets: of the first run, counted again; forged: the exit code for the copy; named: what it
    said was broken there.
    """

    families: int = 0
    orders: int = 0
    tickets: int = 0
    forged: int = 0
    named: str = ""
    moved: dict[str, str] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)


def play(stage: Stage, tickets: dict[str, str], waiting: set[str]) -> Proved:
    """Check what is published after the first run; tickets: by application, as families have them.

    waiting: those that still stand in the public order.
    """
    proved = Proved()
    folder = stage.control.data / "proofs"
    folder.mkdir(exist_ok=True)
    (folder / "keys").write_text(stage.api.get("/v1/record/keys").raw.decode(), "utf-8")
    queue = stage.control.data / "files" / "record" / "queue" / stage.programme / stage.area
    still = sorted(a for a, ticket in tickets.items() if ticket in waiting)[:FAMILIES]
    for application_id in still:
        _family(stage, proved, folder, queue, application_id)
    if still:
        _read(stage, proved, still[0])
    proved.orders = _verified(folder, "queue", str(queue))["checkpoints"]
    _first_run(stage, proved, folder, queue)
    _forge(proved, folder, queue)
    return proved


def _family(stage: Stage, proved: Proved, folder: Path, queue: Path, application_id: str) -> None:
    api = stage.family(sample.families()[application_id].account)
    receipt = folder / f"{application_id}.receipt"
    place = folder / f"{application_id}.place.json"
    told = good(api.get(f"/v1/applications/{application_id}/receipt"))
    receipt.write_text(told["receipt"], "utf-8")
    proof = good(api.get(f"/v1/queue/places/{application_id}/proof"))
    place.write_text(json.dumps(proof, ensure_ascii=False), "utf-8")
    _verified(folder, "receipt", str(receipt))
    _verified(folder, "place", str(place), "--receipt", str(receipt), "--queue", str(queue))
    proved.families += 1


def _read(stage: Stage, proved: Proved, application_id: str) -> None:
    """What a family that still waits reads of its place, in each language."""
    api = stage.family(sample.families()[application_id].account)
    for language in LANGUAGES:
        told = good(replace(api, language=language).get(f"/v1/queue/places/{application_id}"))
        proved.moved[language] = told["last_move"] or ""
        proved.why_not[language] = next((one["text"] for one in told["preferred"]), "")
        proved.expected[language] = told["forecast"]["text"] if told["forecast"] else ""


def _first_run(stage: Stage, proved: Proved, folder: Path, queue: Path) -> None:
    """An auditor takes all that the first run read, and the script decides it again."""
    index = json.loads((queue / "index.json").read_text("utf-8"))
    run_id = min(index["runs"], key=lambda run: str(run["ended_at"]))["run_id"]
    openings = folder / "openings.jsonl"
    kezek = Path(sys.executable).with_name("kezek")
    with progress("the first run's openings are handed to the auditor"):
        subprocess.run(
            [
                str(kezek), "queue", "openings", run_id, str(openings),
                "--data", str(stage.control.data), "--why", "inspection", "--json",
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
    run = queue / "runs" / run_id
    answer = _verified(folder, "run", str(run), "--openings", str(openings), "--queue", str(queue))
    proved.tickets = answer["applicants"]


def _forge(proved: Proved, folder: Path, queue: Path) -> None:
    """Two tickets change places in a copy of the newest order."""
    with tempfile.TemporaryDirectory(prefix="kezek-forged-") as place:
        copy = Path(place) / "queue"
        shutil.copytree(queue, copy)
        newest = json.loads((copy / "index.json").read_text("utf-8"))["checkpoints"][-1]["number"]
        path = copy / str(newest) / "order.json"
        order = json.loads(path.read_text("utf-8"))
        first, second = order["lines"][0], order["lines"][1]
        first["ticket"], second["ticket"] = second["ticket"], first["ticket"]
        path.write_text(
            json.dumps(order, sort_keys=True, separators=(",", ":"), ensure_ascii=False), "utf-8"
        )
        done = _verify(folder, "queue", str(copy))
    proved.forged = done.returncode
    proved.named = str(json.loads(done.stdout).get("text"))


def _verified(folder: Path, *words: str) -> dict[str, Any]:
    done = _verify(folder, *words)
    if done.returncode:
        raise Unexpected(f"the verifier says of {words[0]}: {done.stdout.strip()}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _verify(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the script as anybody would: apart, with the keys that were kept."""
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *words, "--keys", str(folder / "keys"), "--json"],
        check=False,
        capture_output=True,
        text=True,
    )
