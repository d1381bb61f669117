"""The page of savings in a real browser, with answers of its API put in its way (L5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chalicelib.edge
from tests.verify.browser import Browser, running

PAGE = Path(chalicelib.edge.__file__).with_name("savings.html")
NIGHT = {
    "on": "2026-11-20",
    "difference_tiyn": 0,
    "cases": 0,
    "provider_months": 40,
    "repriced": 9,
    "statements": 57,
}
AREA = {
    "programme": "preschool",
    "area": "taldykorgan",
    "title": {"kk": "Балабақша, Талдықорған", "ru": "Сады, Талдыкорган", "en": "Taldykorgan"},
    "newest": NIGHT,
    "nights": [NIGHT],
}
SUMS = {
    "direction": "",
    "providers": 9,
    "children": 300,
    "child_days": 5000,
    "list_based_tiyn": 100_000_000,
    "due_tiyn": 90_000_000,
    "saved_tiyn": 8_000_000,
    "blocked_tiyn": {"N": 8_000_000},
    "held_tiyn": {"disputed": 2_000_000},
    "reversed_tiyn": {"decision": 500_000},
    "beyond_list_tiyn": {},
}
FOUND = {
    "programme": "preschool",
    "area": "taldykorgan",
    "first": "2026-10",
    "last": "2026-10",
    "formula": "сэкономлено = <b>не оплачено</b>",
    "months": [{"month": "2026-10", "as_of": "2026-11-20T00:00:00.000000Z", "savings": [SUMS]}],
    "total": SUMS,
    "missing": ["2026-09"],
    "words": {"N": "Без причины", "disputed": "Семья возражает", "decision": "Решение"},
}


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with running() as browser:
        yield browser


def opened(tab: Browser, area: dict[str, Any], found: dict[str, Any] | None, status: int) -> None:
    """Open the page; its questions are answered so."""
    audit = {"on": None, "difference_tiyn": None, "cases": 0, "statements": 57}
    audit |= {"formula": "сумма расхождений", "areas": [area]}
    stub = (
        "window.asked = []; window.fetch = async (where) => { window.asked.push(where);"
        " if (where.startsWith('/v1/billing/self-audit'))"
        f" return {{ ok: true, status: 200, json: async () => ({json.dumps(audit)}) }};"
        f" return {{ ok: {'true' if status == 200 else 'false'}, status: {status},"
        f" json: async () => ({json.dumps(found)}) }}; }};"
    )
    name = tab.ask("Page.addScriptToEvaluateOnNewDocument", source=stub)["identifier"]
    agent = tab.ask("Browser.getVersion")["userAgent"].replace("Headless", "")
    tab.ask("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="ru-RU")
    tab.errors.clear()
    tab.ask("Page.navigate", url=PAGE.as_uri())
    tab.until("document.readyState === 'complete' && window.asked && window.asked.length > 1")
    tab.until("document.getElementById('state').textContent !== 'Читаем…'")
    tab.ask("Page.removeScriptToEvaluateOnNewDocument", identifier=name)


def text(tab: Browser) -> str:
    return str(tab.run("document.body.innerText"))


def test_the_page_says_what_was_saved_with_its_formula(tab: Browser) -> None:
    opened(tab, AREA, FOUND, 200)

    said = text(tab)

    assert tab.run("document.getElementById('number').textContent") == "0"
    assert "всё сходится" in said and "20.11.2026" in said
    assert tab.run("document.getElementById('saved').textContent") == "80\u202f000"
    assert "Без причины" in said and "Ждёт решения" in said and "Семья возражает" in said
    assert "2026-09" in said
    # A formula is text, whatever it holds.
    assert "<b>не оплачено</b>" in said
    assert "area=taldykorgan" in tab.run("document.getElementById('file').href")
    assert tab.errors == []


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_it_speaks_three_languages(tab: Browser, language: str) -> None:
    opened(tab, AREA, FOUND, 200)

    tab.run(f"document.querySelector('[data-tongue={language}]').click()")
    tab.until("document.getElementById('found').childElementCount === 1")

    assert tab.run("document.documentElement.lang") == language
    assert "undefined" not in text(tab)
    assert tab.run("document.querySelectorAll('[data-say]:empty').length") == 0


def test_a_difference_a_bad_period_and_silence_are_said(tab: Browser) -> None:
    apart = {**NIGHT, "difference_tiyn": 6_500_000, "cases": 1}
    opened(tab, {**AREA, "newest": apart}, None, 400)
    assert tab.run("document.getElementById('number').textContent") == "65\u202f000"
    assert "открытых случаев: 1" in text(tab)
    assert "не больше 24 месяцев" in text(tab)

    opened(tab, {**AREA, "newest": None}, None, 503)
    assert "Этот регион ещё не проверялся." in text(tab)
    assert "Данные не получены." in text(tab)
