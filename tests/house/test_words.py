"""C5, C2: every refusal and notice is said in Kazakh, Russian and English, with its facts."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import chalicelib
from chalicelib.access import actions as access
from chalicelib.edge.openapi import refusals_of
from chalicelib.edge.problems import OF_STATUS, status_of
from chalicelib.edge.texts import LANGUAGES, catalogue, text
from chalicelib.kernel.refusals import Refusal
from tests.offered import OPERATIONS

ROOT = Path(chalicelib.__file__).parent
KAZAKH = re.compile("[әғқңөұүһіӘҒҚҢӨҰҮҺІ]")


def every_module() -> None:
    for module in pkgutil.walk_packages([str(ROOT)], "chalicelib."):
        importlib.import_module(module.name)


def leaves(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("chalicelib."):
            yield child
        yield from leaves(child)


every_module()
import app  # noqa: E402, F401 — the switchboard registers what is offered

CODES = sorted({leaf.code for leaf in leaves()} | set(OF_STATUS.values()))


@pytest.mark.parametrize("code", CODES)
def test_c2_every_refusal_is_said_in_three_languages(code: str) -> None:
    said = catalogue().get(code)

    assert said is not None, f"{code} has no text"
    assert set(said) == set(LANGUAGES)
    assert all(said[language].strip() for language in LANGUAGES)


def test_c5_every_text_names_the_same_facts_in_each_language() -> None:
    for key, said in catalogue().items():
        facts = [
            {name for _, name, _, _ in string.Formatter().parse(said[language]) if name}
            for language in LANGUAGES
        ]
        assert facts[0] == facts[1] == facts[2], key


def test_c5_kazakh_is_kazakh() -> None:
    """A Russian text pasted into the Kazakh column has none of the Kazakh letters."""
    plain = [
        key
        for key, said in catalogue().items()
        if len(said["kk"]) > 25 and not KAZAKH.search(said["kk"])
    ]
    assert plain == []
    assert [k for k, said in catalogue().items() if said["kk"] == said["ru"]] == []


def test_two_refusals_never_share_a_code() -> None:
    found: dict[str, set[str]] = {}
    for leaf in set(leaves()):
        if "code" in vars(leaf):  # a subclass without one is the same refusal to the caller
            found.setdefault(leaf.code, set()).add(f"{leaf.__module__}.{leaf.__qualname__}")
    assert {code: names for code, names in found.items() if len(names) > 1} == {}


def test_every_notice_that_is_written_has_a_text() -> None:
    templates = {
        node.value
        for file in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"notice:[a-z-]+/[a-z-]+", node.value)
    }
    assert templates, "no notice is written anywhere"
    assert sorted(templates - set(catalogue())) == []


def test_a_missing_fact_leaves_a_gap_and_never_an_error() -> None:
    assert "…" in text("kezek/bad-field", "en", {})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_every_operation_has_an_access_row_a_summary_and_known_refusals(operation) -> None:
    assert operation.action in access.table().rows, "no row in table.toml: nobody could do it"
    assert operation.doc.splitlines()[0].endswith("."), "the summary is a sentence"
    for status, refusals in refusals_of(operation).items():
        assert all(status_of(refusal) == status for refusal in refusals)


def test_every_access_row_belongs_to_an_operation() -> None:
    offered = {operation.action for operation in OPERATIONS}
    assert sorted(set(access.table().rows) - offered) == []


def test_one_word_for_each_office_whatever_the_programme() -> None:
    # The department is the one of a kindergarten or of a club; so is whoever runs the organisation.
    others = re.compile(
        "бөлім|меңгеруш|заведующ|отдел образования|садах|education department", re.I
    )

    assert [
        key for key, said in catalogue().items() if others.search(" ".join(said.values()))
    ] == []
