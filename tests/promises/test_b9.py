"""B9: the public record shows any edit, loss or reordering to an outsider with one small script.

The script is run as a file of its own, on a folder as anybody may have it, with the keys that were
kept from an earlier day.
"""

from __future__ import annotations

import base64
import importlib.util
import itertools
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.record.actions import proving
from chalicelib.storage import vault
from chalicelib.storage.commit import commit
from infra import record
from infra.local.testing import TestCloud, TestServices, TestTables, in_process
from tests.children.builders import an_iin
from tests.children.test_routes import ME, register_child
from tests.record.builders import changed, removed

SCRIPT = Path(__file__).parents[2] / "verify" / "kezek_verify.py"
SIZES = (3, 64, 200, 300)


def run(*words: object) -> tuple[int, dict[str, Any]]:
    """Run the script in a process of its own; return its exit code and answer."""
    asked = [sys.executable, "-I", str(SCRIPT), *map(str, words), "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def script() -> ModuleType:
    """Return the script as a module: quicker where it runs hundreds of times."""
    spec = importlib.util.spec_from_file_location("kezek_verify", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VERIFY = script()


def check(command: str, folder: Path, *more: object, capsys: Any) -> tuple[int, dict[str, Any]]:
    """Run the script in this process."""
    keys = folder.parent / "keys-kept"
    code = VERIFY.main([command, str(folder), "--keys", str(keys), "--json", *map(str, more)])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def bundle(
    _tables: TestTables, services: TestServices, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A record of 300 entries with four checkpoints, exported."""
    from app import app

    _tables.wipe()
    with in_process(app, services, _tables) as cloud:
        fill(cloud)
        folder = tmp_path_factory.mktemp("record") / "bundle"
        record.export(folder)
    shutil.copy(folder / "keys", folder.parent / "keys-kept")
    yield folder


def fill(cloud: TestCloud) -> None:
    """Make entries in several streams, and a checkpoint at each of SIZES."""
    made = 0
    for size in SIZES:
        while made < size:
            changed(f"thing-{made % 23:02d}")
            made += 1
        cloud.drain()
        cloud.fire("run_record")


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    shutil.copy(bundle.parent / "keys-kept", tmp_path / "keys-kept")
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


# --- what holds ---------------------------------------------------------------------------------


def test_b9_an_untouched_record_holds_in_a_process_without_our_code(bundle: Path) -> None:
    keys = bundle.parent / "keys-kept"

    assert run("log", bundle, "--keys", keys) == (
        0,
        {"holds": True, "entries": 300, "checkpoints": 4, "origin": "kezek/test/record"},
    )
    code, said = run("bundle", bundle, "--keys", keys)
    assert (code, said["streams"], said["unchained"]) == (0, 23, 0)
    assert "chalicelib" not in SCRIPT.read_text()
    assert "import kezek" not in SCRIPT.read_text()


def test_b9_any_two_checkpoints_are_consistent(
    bundle: Path, tmp_path: Path, tables: TestTables, cloud: TestCloud
) -> None:
    fill(cloud)
    sizes = [int(path.name) for path in (bundle / "checkpoints").iterdir()]
    assert sorted(sizes) == list(SIZES)
    folder = tmp_path / "again"
    record.export(folder)

    for old, new in itertools.combinations_with_replacement(SIZES, 2):
        proof = cloud.get(f"/v1/record/proofs/consistency?from={old}&to={new}")
        (tmp_path / "proof").write_text(proof.text)
        checkpoints = [folder / "checkpoints" / str(size) for size in (old, new)]
        asked = ("consistency", *checkpoints, tmp_path / "proof", "--keys", folder / "keys")
        assert run(*asked)[0] == 0, (old, new)
        other = bundle / "checkpoints" / str(old)  # of another log
        asked = ("consistency", other, checkpoints[1], tmp_path / "proof")
        assert run(*asked, "--keys", folder / "keys")[0] == 1


# --- what does not ------------------------------------------------------------------------------


def lines_of(folder: Path) -> list[str]:
    return (folder / "openings.jsonl").read_text().splitlines(keepends=True)


def put_lines(folder: Path, lines: list[str]) -> None:
    (folder / "openings.jsonl").write_text("".join(lines))


def edited(line: str, draw: random.Random) -> str:
    """Return an opening with something else in it."""
    opened = json.loads(line)
    field = draw.choice(["body", "salt", "attached", "name"])
    if field == "salt":
        opened["salt"] = base64.urlsafe_b64encode(draw.randbytes(16)).decode().rstrip("=")
    elif field == "name":
        opened["name"] = [opened["name"][0], f"{int(opened['name'][1]) + 1:012d}"]
    else:
        place = draw.randrange(len(opened[field]))
        found = opened[field]
        letter = "x" if found[place] != "x" else "y"
        opened[field] = found[:place] + letter + found[place + 1 :]
    return json.dumps(opened, ensure_ascii=False) + "\n"


def tile_paths(folder: Path, level: str) -> list[Path]:
    found = [p for p in (folder / "tile" / level).rglob("*") if p.is_file()]
    return sorted(found)


def flipped(path: Path, place: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1 << place % 8
    path.write_bytes(bytes(raw))


Harm = Callable[[Path, int, int, random.Random], int | None]


def change(folder: Path, at: int, other: int, draw: random.Random) -> int:
    lines = lines_of(folder)
    lines[at] = edited(lines[at], draw)
    put_lines(folder, lines)
    return at


def drop(folder: Path, at: int, other: int, draw: random.Random) -> int:
    lines = lines_of(folder)
    del lines[at]
    put_lines(folder, lines)
    return at


def insert(folder: Path, at: int, other: int, draw: random.Random) -> int:
    lines = lines_of(folder)
    lines.insert(at, edited(lines[other], draw))
    put_lines(folder, lines)
    return at


def swap(folder: Path, at: int, other: int, draw: random.Random) -> int | None:
    lines = lines_of(folder)
    lines[at], lines[other] = lines[other], lines[at]
    put_lines(folder, lines)
    return min(at, other) if at != other else None


def truncate(folder: Path, at: int, other: int, draw: random.Random) -> int:
    put_lines(folder, lines_of(folder)[:at])
    return at


def change_leaf(folder: Path, at: int, other: int, draw: random.Random) -> int:
    path = tile_paths(folder, "entries")[at // 256]
    flipped(path, at % 256 * 34 + 2 + other % 32)
    return at


def change_hash(folder: Path, at: int, other: int, draw: random.Random) -> int:
    path = tile_paths(folder, "0")[at // 256]
    flipped(path, at % 256 * 32 + other % 32)
    return at


HARMS: dict[str, Harm] = {
    "change": change,
    "drop": drop,
    "insert": insert,
    "swap": swap,
    "truncate": truncate,
    "change a leaf": change_leaf,
    "change a hash": change_hash,
}


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    harm=st.sampled_from(sorted(HARMS)),
    at=st.integers(0, 299),
    other=st.integers(0, 299),
    seed=st.integers(0, 2**32),
)
def test_b9_any_entry_changed_dropped_inserted_or_swapped_is_named(
    bundle: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: Any,
    harm: str,
    at: int,
    other: int,
    seed: int,
) -> None:
    folder = tmp_path_factory.mktemp("harmed") / "bundle"
    shutil.copytree(bundle, folder)
    shutil.copy(bundle.parent / "keys-kept", folder.parent / "keys-kept")

    first = HARMS[harm](folder, at, other, random.Random(seed))

    code, said = check("bundle", folder, capsys=capsys)
    if first is None:
        assert code == 0
    else:
        assert (code, said["entry"]) == (1, first), said
    shutil.rmtree(folder.parent)


def remade(folder: Path, change: Callable[[list[bytes]], list[bytes]], size: int) -> None:
    """Make the files anew from other leaves, as whoever runs the record could, without the key."""
    from chalicelib.record.rules import notes

    leaves: list[bytes] = []
    for path in tile_paths(folder, "entries"):
        raw = path.read_bytes()
        leaves += [raw[i + 2 : i + 34] for i in range(0, len(raw), 34)]
    leaves = change(leaves)
    for number in range(0, (size + 255) // 256):
        part = leaves[number * 256 : number * 256 + 256][: size - number * 256]
        name = notes.Tile(-1, number, len(part)).name
        (folder / name).write_bytes(notes.bundled(part))
        name = notes.Tile(0, number, len(part)).name
        (folder / name).write_bytes(b"".join(proving.leaf_hash(leaf) for leaf in part))
    if size >= 256:
        growth = proving.merkle.grow(proving.merkle.Head(), leaves[:256])
        (folder / "tile/1/000.p/1").write_bytes(growth.uppers[1, 0])


@pytest.mark.parametrize(
    ("at", "other", "named"), [(1, 2, 0), (10, 20, 3), (100, 150, 64), (201, 299, 200), (5, 250, 3)]
)
def test_b9_leaves_swapped_in_every_file_at_once_do_not_fit_the_signed_checkpoints(
    copy: Path, capsys: Any, at: int, other: int, named: int
) -> None:
    def swapped(leaves: list[bytes]) -> list[bytes]:
        leaves[at], leaves[other] = leaves[other], leaves[at]
        return leaves

    remade(copy, swapped, 300)

    code, said = check("log", copy, capsys=capsys)
    assert (code, said["broken"], said["entry"]) == (1, "root", named)


def test_b9_any_byte_of_a_checkpoint_changed_is_found(copy: Path, capsys: Any) -> None:
    path = copy / "checkpoints" / "200"
    good = path.read_bytes()

    for place in range(0, len(good), 7):
        flipped(path, place)
        assert check("log", copy, capsys=capsys)[0] == 1, place
        path.write_bytes(good)
    assert check("log", copy, capsys=capsys)[0] == 0


def test_b9_a_record_cut_back_to_an_older_checkpoint_is_found_by_a_newer_one(
    copy: Path, capsys: Any
) -> None:
    shutil.copy(copy / "checkpoints" / "200", copy / "checkpoint")
    newest = copy.parent / "mine"
    shutil.move(copy / "checkpoints" / "300", newest)

    assert check("log", copy, capsys=capsys)[0] == 0  # by itself it is a record like any other
    code, said = check("log", copy, "--checkpoint", newest, capsys=capsys)
    assert (code, said["broken"], said["entry"]) == (1, "cut", 200)


def test_b9_two_logs_of_one_size_are_a_fork(
    bundle: Path, copy: Path, capsys: Any, cloud: TestCloud, tmp_path: Path
) -> None:
    fill(cloud)
    other = tmp_path / "other"
    record.export(other)

    code, said = check("log", copy, "--checkpoint", other / "checkpoints" / "200", capsys=capsys)

    assert (code, said["broken"], said["entry"]) == (1, "fork", 200)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/001.p/44", "tile/1/000.p/1"])
def test_b9_a_missing_file_is_named(copy: Path, capsys: Any, name: str) -> None:
    (copy / name).unlink()

    code, said = check("log", copy, capsys=capsys)

    assert (code, said["broken"]) == (1, "tile")
    assert said["entry"] == (256 if "001" in name else 0)


def test_b9_another_key_signs_nothing(copy: Path, capsys: Any, services: TestServices) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from chalicelib.kernel.notes import verifier_key

    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    (copy.parent / "keys-kept").write_text(verifier_key("kezek/test/record", public) + "\n")

    code, said = check("log", copy, capsys=capsys)

    assert (code, said["broken"]) == (1, "signature")


def test_b9_an_opened_entry_is_checked_by_itself(
    cloud: TestCloud, tmp_path: Path, capsys: Any
) -> None:
    for _ in range(3):
        changed("one")
    removed("one")
    cloud.drain()
    (tmp_path / "keys").write_text(cloud.get("/v1/record/keys").text)
    token = cloud.token("auditor")
    for number in range(4):
        answer = cloud.get(f"/v1/record/entries/{number}", token=token)
        path = tmp_path / f"entry-{number}.json"
        path.write_bytes(answer.content)
        assert run("entry", path, "--keys", tmp_path / "keys")[0] == 0

        for harm in ("body", "salt", "attached_digest", "digest"):
            opened = answer.json
            opened[harm] = opened[harm][:5] + "~" + opened[harm][6:]
            path.write_text(json.dumps(opened))
            code, said = run("entry", path, "--keys", tmp_path / "keys")
            unread = harm in ("salt", "attached_digest")
            assert code == (0 if harm == "digest" else 2 if unread else 1), (harm, said)


def test_b9_what_was_taken_out_of_the_journal_is_missed(
    cloud: TestCloud, tmp_path: Path, capsys: Any
) -> None:
    from chalicelib.record.store import AnyRow

    for n in range(5):
        changed(f"thing-{n}", times=3)
    cloud.drain()
    next(iter(AnyRow.query("voucher/thing-2"))).delete(add_version_condition=False)

    told = record.export(tmp_path / "bundle")
    shutil.copy(tmp_path / "bundle" / "keys", tmp_path / "keys-kept")

    code, said = check("bundle", tmp_path / "bundle", capsys=capsys)
    assert told["lost"] == 1
    assert (code, said["broken"]) == (1, "missing")


@pytest.mark.parametrize(
    "words", [("log", "/nowhere"), ("entry", "/nowhere"), ("bundle", "/tmp"), ()]
)
def test_b9_wrong_use_is_no_verdict(words: tuple[str, ...]) -> None:
    asked = [sys.executable, "-I", str(SCRIPT), *words]

    assert subprocess.run(asked, capture_output=True, check=False).returncode == 2


def test_b9_after_an_erasure_the_record_holds_and_what_was_committed_opens_no_more(
    cloud: TestCloud, tmp_path: Path, capsys: Any
) -> None:
    parent = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=parent).status == 200
    child_id = register_child(cloud, parent, "application-1", an_iin(100))
    cloud.drain()
    listed = cloud.get("/v1/record/entries", token=parent, query={"stream": f"child/{child_id}"})
    number = listed.json["entries"][0]["number"]
    before = cloud.get(f"/v1/record/entries/{number}", token=parent).json
    assert before["fields"]["surname"]["value"] == ME["surname"].removesuffix("а")

    commit(vault.erase(f"CHILD#{child_id}"))
    record.export(tmp_path / "bundle")
    shutil.copy(tmp_path / "bundle" / "keys", tmp_path / "keys-kept")

    assert check("bundle", tmp_path / "bundle", capsys=capsys)[0] == 0
    after = cloud.get(f"/v1/record/entries/{number}", token=parent).json
    assert after["fields"] == {}
    assert (after["digest"], after["body"]) == (before["digest"], before["body"])
    told = "".join(path.read_text("utf-8", "replace") for path in files_in(tmp_path / "bundle"))
    assert ME["surname"] not in told
    assert an_iin(100) not in told


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
