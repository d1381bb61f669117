"""How long what is kept: the classes of retention.toml."""

from __future__ import annotations

import functools
from datetime import date
from importlib import resources
from typing import Any

from chalicelib.access.rules import Retention


@functools.lru_cache(maxsize=1)
def retention() -> dict[str, Retention]:
    """Return every class by its name, read once."""
    import tomllib  # not before it is needed: a cold start counts milliseconds

    text = resources.files("chalicelib.access").joinpath("retention.toml").read_text("utf-8")
    return {name: _class(said) for name, said in tomllib.loads(text)["classes"].items()}


def kept_until(name: str, since: date) -> date:
    """Return the last day on which something of a class is kept. Raises KeyError."""
    return retention()[name].until(since)


def _class(said: dict[str, Any]) -> Retention:
    term = said["term"]
    unknown = set(term) - {"years", "days"}
    if unknown:
        raise ValueError(f"retention.toml: a term in {sorted(unknown)}")
    return Retention(
        text=said["text"],
        years=term.get("years", 0),
        days=term.get("days", 0),
        since=said["from"],
        ends=said["ends"],
        then=said["then"],
        source=said["source"],
        rows=tuple(said.get("rows", ())),
        fields=tuple(said.get("fields", ())),
    )
