"""B8 through the whole suite: what any test seals, no test may say aloud.

Every value that goes into the vault is noted as it is sealed. When a test is over, all it said is
searched: log records as their handlers would write them, captured output, warnings, and the bodies
of refusals. A test that leaked fails with the place and the kind of field; neither the value nor
the output is shown, since the report is an output too.

Loaded by tests/conftest.py; by itself as `-p tests.canaries`. A test that plants a leak on purpose
is marked `@pytest.mark.speaks("why")`.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import urllib.parse
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

# Shorter ones would be found in words that have nothing to do with them.
SHORTEST = 6
# Not of persons: a bank's code, a kindergarten's name on its door. Not tellable from other words
# and days: a sex, a birth date (which the end-to-end tests of B7 and B8 search for as well).
PUBLIC = frozenset({"payee", "bank", "pending_bank", "sex", "birth_date", "form", "language"})
# Documents are sealed whole; of what they say in JSON these are a person's.
PERSONAL = frozenset(
    {"iin", "bin", "surname", "given_name", "patronymic", "name", "address", "account", "contact"}
    | {"contact_1", "contact_2", "phone", "email"}
)
# A status is sealed as its code ("teacher"), which is the beginning of fields' names ("teachers").
_CODE = re.compile(r"[a-z][a-z_-]*")


class Watch:
    """What was sealed in this process, and what the test at hand said."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._starts: dict[str, list[str]] = {}
        self.said: list[tuple[str, str]] = []
        self.watching = True
        # Words that a test sends as anything, names of things among them.
        self.of_nobody: set[str] = set()

    def sealed(self, fields: Mapping[str, str]) -> None:
        """Note values on their way into the vault."""
        for name, value in fields.items():
            if name not in PUBLIC:
                for field, part in _parts(name, value):
                    self._note(field, part)

    def _note(self, name: str, part: str) -> None:
        if len(part) < SHORTEST or part in self._values:
            return
        if part in self.of_nobody or part in _own_words():
            return
        for form in {part, json.dumps(part)[1:-1], urllib.parse.quote(part)}:
            self._values[form] = name
            self._starts.setdefault(form[:SHORTEST], []).append(form)

    def heard(self, place: str, text: str) -> None:
        """Note something said: a place for people, and what it was."""
        if text and self.watching:
            self.said.append((place, text))

    def leaks(self, more: Sequence[tuple[str, str]]) -> list[str]:
        """Return what leaked, by place and kind of field, without the values."""
        found = {
            f"{place}, line {line}: a sealed {name}"
            for place, text in (*self.said, *more)
            for line, name in self.found_in(text)
        }
        return sorted(found)

    def found_in(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield (line, field) of each sealed value in a text; costs by the text's length alone."""
        starts = self._starts
        for at in range(len(text) - SHORTEST + 1):
            for form in starts.get(text[at : at + SHORTEST], ()):
                if text.startswith(form, at) and _alone(text, at, len(form)):
                    yield text.count("\n", 0, at) + 1, self._values[form]


@functools.cache
def _own_words() -> frozenset[str]:
    """Return the codes that stand quoted in the code, and the packs' areas: words of no person.

    Hypothesis draws constants of the code as texts, so a drawn complaint may be just "taldykorgan".
    """
    import chalicelib

    root = Path(chalicelib.__file__).parent
    text = "".join(file.read_text("utf-8") for file in root.rglob("*.py"))
    areas = {file.stem.partition("-")[2] for file in (root / "policy" / "packs").glob("*.toml")}
    return frozenset(re.findall(r'"([a-z][a-z/-]+)"', text)) | areas


WATCH = Watch()
_LEAKED: pytest.StashKey[set[str]] = pytest.StashKey()


def _parts(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield (field, text): what of a value could be said apart.

    Of JSON its personal fields, or all texts of a list; of a contact the part after its kind.
    """
    try:
        inside = json.loads(value) if value[:1] in "[{" else None
    except ValueError:
        inside = None
    if inside is not None:
        yield from _inside(name, inside)
        return
    yield name, value
    kind, _, rest = value.partition(":")
    if kind in ("phone", "email"):
        yield name, rest
        yield name, rest.lstrip("+")


def _inside(name: str, inside: Any) -> Iterator[tuple[str, str]]:
    if isinstance(inside, str):
        yield name, inside
    elif isinstance(inside, list):
        for part in inside:
            yield from _inside(name, part)
    elif isinstance(inside, dict):
        for key, part in inside.items():
            if not isinstance(part, str) or key in PERSONAL:
                yield from _inside(key, part)


def _alone(text: str, at: int, length: int) -> bool:
    """Tell whether a value begins where a word begins; a number or a code must end as one, too.

    What follows a name does not matter: it may be in the genitive.
    """
    if not text[at].isalnum():
        return True
    before, after = text[at - 1 : at], text[at + length : at + length + 1]
    if (before.isalnum() or before == "-") and text[at - 2 : at - 1] != "\\":
        return False
    whole = text[at].isdigit() or _CODE.fullmatch(text, at, at + length)
    return not whole or not after.isalnum()


# --- where it listens


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "speaks(why): plants a personal value where it must not be")
    from chalicelib.storage.vault import sealing

    seal, handle = sealing.seal_fields, logging.Logger.handle
    if hasattr(seal, "__wrapped__"):
        return

    @wraps(seal)
    def noted(data_key: bytes, subject: str, fields: Mapping[str, str], *, place: str) -> Any:
        WATCH.sealed(fields)
        return seal(data_key, subject, fields, place=place)

    @wraps(handle)
    def overheard(self: logging.Logger, record: logging.LogRecord) -> None:
        if WATCH.watching:
            WATCH.heard(f"the log of {record.name}", _written(self, record))
        handle(self, record)

    warn = warnings.warn

    @wraps(warn)
    def warned(
        message: Any, category: Any = None, stacklevel: int = 1, *given: Any, **more: Any
    ) -> None:
        WATCH.heard("a warning", str(message))
        return warn(message, category, stacklevel + 1, *given, **more)

    warnings.warn = warned  # type: ignore[assignment]
    sealing.seal_fields = noted  # type: ignore[assignment]
    logging.Logger.handle = overheard  # type: ignore[method-assign]
    _hear_refusals()


def _hear_refusals() -> None:
    from infra.local.testing import TestCloud

    request = TestCloud.request

    @wraps(request)
    def answered(self: TestCloud, method: str, path: str, *given: Any, **more: Any) -> Any:
        said = request(self, method, path, *given, **more)
        if said.status >= 400:
            place = f"the {said.status} of {method} {path.partition('?')[0]}"
            WATCH.heard(place, f"{dict(said.headers)} {said.content.decode('utf-8', 'replace')}")
        return said

    TestCloud.request = answered  # type: ignore[method-assign]


def _written(logger: logging.Logger, record: logging.LogRecord) -> str:
    """Return a record as the logger's own handlers write it; else with all that it carries."""
    formatters = [h.formatter for h in logger.handlers if h.formatter is not None]
    if formatters:
        return formatters[0].format(logging.makeLogRecord(record.__dict__))
    return logging.Formatter().format(logging.makeLogRecord(record.__dict__))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    WATCH.said.clear()
    WATCH.watching = item.get_closest_marker("speaks") is None
    item.stash[_LEAKED] = set()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    report: pytest.TestReport = yield
    if not WATCH.watching or _LEAKED not in item.stash:
        return report
    leaks = set(WATCH.leaks(report.sections))
    if leaks:
        lines = f"B8: {item.nodeid} let personal data out:\n  " + "\n  ".join(sorted(leaks)[:20])
        report.sections = [("B8", lines)]
        if leaks - item.stash[_LEAKED] and report.passed:
            report.outcome, report.longrepr = "failed", lines
        item.stash[_LEAKED] |= leaks
    return report
