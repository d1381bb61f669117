"""The script as a module, and as a process of its own."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.verify.browser import Browser, running

SCRIPT = Path(__file__).parents[2] / "verify" / "kezek_verify.py"
Said = tuple[int, dict[str, Any]]
Verify = Callable[..., Said]


def load(path: Path = SCRIPT) -> ModuleType:
    spec = importlib.util.spec_from_file_location("kezek_verify", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def remembering() -> ModuleType:
    """Return the script; a signature that was counted once is not counted again."""
    module = load()
    module.__dict__["signed_by"] = functools.lru_cache(maxsize=None)(module.signed_by)
    return module


def asked(module: ModuleType, *words: object) -> Said:
    """Return the exit code and the answer of one command in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = module.main([*map(str, words), "--json"])
    text = out.getvalue()
    assert text.count("\n") == 1, text
    return code, json.loads(text)


def in_process_of_its_own(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def script() -> ModuleType:
    return remembering()


@pytest.fixture
def verify(script: ModuleType) -> Verify:
    return lambda *words: asked(script, *words)


@pytest.fixture(scope="session")
def tab() -> Iterator[Browser]:
    """The page that checks, in a real browser; one for all tests of a worker."""
    with running() as browser:
        browser.open()
        yield browser
