"""Whatever is given: an exit code and one line, never a traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verify.conftest import asked, in_process_of_its_own
from tests.verify.faults import OPENINGS, RUN, Fault, logged, queue_folder, words, written
from tests.verify.worlds import b64, sha, signed

COMMANDS = ("queue", "run", "run opened", "place", "place receipt", "input", "receipt")
OWN = ("place.json", "input.json", f"{RUN}.openings")
DEEP = "[" * 100_000
GARBAGE = (
    b"",
    b"\x00\xff\xfe" * 50,
    b"{}",
    b"[]",
    b"null",
    b"3",
    b'"x"',
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":1.5}',
    b'{"a":1e400}',
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":1,"a":2}',
    b'{"a":"\\ud800"}',
    DEEP.encode(),
    b'{"a":' * 50_000,
    "ә" .encode() * 1000,
    b"\n\n\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    written(Fault("none", "queue", "", edit=logged), folder)
    return folder


@pytest.fixture
def copy(honest: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(honest, tmp_path / "copy"))


def files_of(folder: Path) -> list[str]:
    place = queue_folder(folder)
    below = [f"queue/preschool/astana/{p.relative_to(place)}" for p in place.rglob("*")
             if p.is_file()]  # fmt: skip
    return sorted([*below, "receipt", *OWN, "keys-kept"])


@pytest.mark.parametrize("raw", GARBAGE, ids=lambda raw: repr(raw[:12]))
@pytest.mark.parametrize("name", OWN)
def test_a_file_of_ones_own_that_is_garbage_is_unreadable(
    copy: Path, script: ModuleType, name: str, raw: bytes
) -> None:
    (copy / name).write_bytes(raw)
    command = {"place.json": "place", "input.json": "input"}.get(name, "run opened")

    code, said = asked(script, *words(command, copy))

    assert code == 2, said
    assert "\n" not in said["text"]


@pytest.mark.parametrize("raw", GARBAGE, ids=lambda raw: repr(raw[:12]))
def test_a_published_file_that_is_garbage_is_broken_or_unreadable(
    copy: Path, script: ModuleType, raw: bytes
) -> None:
    for name in files_of(copy):
        before = (copy / name).read_bytes()
        (copy / name).write_bytes(raw)
        codes = [asked(script, *words(command, copy))[0] for command in ("queue", "run opened")]
        (copy / name).write_bytes(before)
        assert set(codes) <= {0, 1, 2}, name
        assert max(codes) > 0 or name in (*OWN, "receipt"), name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


def parts_of(said: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every way into a JSON text, a few of each list."""
    found = [path]
    if isinstance(said, dict):
        for key, value in said.items():
            found += parts_of(value, (*path, key))
    elif isinstance(said, list):
        for number, value in list(enumerate(said))[:3]:
            found += parts_of(value, (*path, number))
    return found


def put(said: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    inner = said
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return said


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_a_signed_bundle_of_wrong_types_is_named_and_never_a_traceback(
    honest: Path, script: ModuleType, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Somebody with the key may sign anything: bundle, whole, leaves."""
    folder = tmp_path_factory.mktemp("wrong")
    shutil.copytree(honest, folder, dirs_exist_ok=True)
    path = queue_folder(folder) / "runs" / RUN
    bundle = json.loads((path / "bundle.json").read_text())
    which = data.draw(st.sampled_from(["public", "whole", "opening", "index", "order", "entry"]))
    lines = (folder / f"{RUN}.openings").read_text().splitlines()
    if which in ("public", "whole"):
        said = bundle if which == "public" else json.loads(json.loads(lines[0])["whole"])
        said = put(said, data.draw(st.sampled_from(parts_of(said))), data.draw(JSON))
        text = json.dumps(said)
        if which == "whole":
            lines[0] = json.dumps({**json.loads(lines[0]), "whole": text})
            bundle["whole"] = b64(sha(text.encode()))
            text = json.dumps(bundle)
        note = (path / "note").read_text().rpartition("\n\n")[0].split("\n")
        note[4] = f"bundle {b64(sha(text.encode()))}"
        (path / "bundle.json").write_text(text)
        (path / "note").write_text(signed("\n".join(note) + "\n"))
    elif which == "opening":
        number = data.draw(st.integers(1, len(lines) - 1))
        said = json.loads(lines[number])
        way = data.draw(st.sampled_from(parts_of(said)))
        lines[number] = json.dumps(put(said, way, data.draw(JSON)))
    else:
        name = {"index": "index.json", "order": "2/order.json", "entry": "2/entry"}[which]
        file = queue_folder(folder) / name
        said = json.loads(file.read_text())
        file.write_text(
            json.dumps(put(said, data.draw(st.sampled_from(parts_of(said))), data.draw(JSON)))
        )
    (folder / f"{RUN}.openings").write_text("".join(f"{line}\n" for line in lines))

    for command in ("queue", "run opened"):
        code, _ = asked(script, *words(command, folder))
        assert code in (0, 1, 2)
    shutil.rmtree(folder)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_file_cut_or_flipped_anywhere_is_never_a_traceback(
    honest: Path, script: ModuleType, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(files_of(honest)))
    before = (honest / name).read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    flipped = bytes([before[at] ^ 1 << data.draw(st.integers(0, 7))])
    raw = before[:at] + data.draw(st.sampled_from([b"", flipped + before[at + 1 :]]))
    try:
        (honest / name).write_bytes(raw)
        for command in COMMANDS:
            assert asked(script, *words(command, honest))[0] in (0, 1, 2)
    finally:
        (honest / name).write_bytes(before)


def test_what_is_not_there_is_unreadable_in_one_line(honest: Path) -> None:
    for asked_for in (
        ("queue", honest / "none"),
        ("run", honest / "none"),
        ("place", honest / "none"),
        ("receipt", honest),
        ("run", honest, "--openings", honest / OPENINGS.rpartition("/")[2]),
        ("queue", queue_folder(honest), "--keys", honest / "none"),
    ):
        done = in_process_of_its_own(*asked_for)
        assert (done.returncode, done.stdout.count("\n")) == (2, 1), (asked_for, done)
        assert not done.stderr


def test_wrong_use_is_exit_code_two() -> None:
    for asked_for in ((), ("queue",), ("nothing", "x"), ("run", "x", "--lang", "de")):
        done = in_process_of_its_own(*asked_for)
        assert done.returncode == 2 and "Traceback" not in done.stderr


def test_the_help_speaks_three_languages() -> None:
    text = in_process_of_its_own("--help").stdout

    assert "kk: log" in text and "ru: log" in text and "Exit codes: 0" in text
    assert "kk: 0 - бәрі дұрыс" in text and "ru: 0 - всё верно" in text
