"""The Digital Family Card: proved, not found, or not available since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.adapters import registry
from chalicelib.kernel.periods import stamp
from tests.children.builders import NOW

LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("KEZEK_REGISTRY", raising=False)
    registry.forget()
    yield
    registry.forget()


def test_a_status_on_the_card_of_child_or_parent_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cards.json"
    file.write_text(json.dumps({"digest-of-parent": ["large-family"]}), "utf-8")
    monkeypatch.setenv("KEZEK_REGISTRY", str(file))

    both = ["digest-of-child", "digest-of-parent"]

    assert registry.check(both, "large-family", now=NOW).result == "proved"
    assert registry.check(both, "orphan", now=NOW).result == "not-found"
    assert registry.check([], "large-family", now=NOW).result == "not-found"


def test_a_silent_register_says_since_when() -> None:
    first = registry.check(["d"], "orphan", now=NOW)
    second = registry.check(["d"], "orphan", now=LATER)

    assert first == second == registry.Answer("unavailable", stamp(NOW))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"d": 5}', "null"])
def test_a_broken_card_file_is_silence_and_an_answer_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    file = tmp_path / "cards.json"
    file.write_text(content, "utf-8")
    monkeypatch.setenv("KEZEK_REGISTRY", str(file))
    assert registry.check(["d"], "orphan", now=NOW).since == stamp(NOW)

    file.write_text("{}", "utf-8")
    assert registry.check(["d"], "orphan", now=NOW).result == "not-found"

    file.unlink()
    assert registry.check(["d"], "orphan", now=LATER).since == stamp(LATER)
