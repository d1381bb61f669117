"""The page of the clock in a real browser, with answers of its API put in its way (L5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chalicelib.edge
from tests.verify.browser import Browser, running

PAGE = Path(chalicelib.edge.__file__).with_name("clock.html")
LATE = {
    "direction": "",
    "site_id": "kindergarten-7",
    "name": "<b>Балапан</b>",
    "step": "agree",
    "who": "department",
    "last": "2026-04-15",
    "late_days": 3,
    "tiyn": 39_000_000,
}
REGION = {
    "programme": "preschool",
    "area": "taldykorgan",
    "title": {"kk": "Балабақша, Талдықорған", "ru": "Сады, Талдыкорган", "en": "Taldykorgan"},
    "month": "2026-03",
    "as_of": "2026-04-18T08:00:00.000000Z",
    "pay_on": "2026-04-17",
    "total_tiyn": 100_000_000,
    "paid_tiyn": 61_000_000,
    "overdue_tiyn": 39_000_000,
    "steps": [
        {
            "step": "agree",
            "who": "department",
            "first": "2026-04-14",
            "last": "2026-04-15",
            "tiyn": 39_000_000,
            "units": 108,
            "since": "2026-04-13",
            "waited_days": 5,
            "overdue_tiyn": 39_000_000,
        },
        {
            "step": "paid",
            "who": "nobody",
            "first": "2026-04-14",
            "last": "2026-04-17",
            "tiyn": 61_000_000,
            "units": 0,
            "since": "2026-04-17",
            "waited_days": 1,
            "overdue_tiyn": 0,
        },
    ],
    "overdue": [LATE, {**LATE, "site_id": None, "name": None}],
}


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with running() as browser:
        yield browser


def opened(tab: Browser, regions: list[dict[str, Any]] | None, language: str = "ru-RU") -> None:
    """Open the page; its questions are answered with these regions, or not at all."""
    answer = json.dumps({"month": "2026-03", "today": "2026-04-18", "regions": regions or []})
    ok = "true" if regions is not None else "false"
    stub = (
        "window.asked = []; window.fetch = async (where) => { window.asked.push(where); "
        f"return {{ ok: {ok}, status: 500, json: async () => ({answer}) }}; }};"
    )
    name = tab.ask("Page.addScriptToEvaluateOnNewDocument", source=stub)["identifier"]
    agent = tab.ask("Browser.getVersion")["userAgent"].replace("Headless", "")
    tab.ask("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
    tab.errors.clear()
    tab.ask("Page.navigate", url=PAGE.as_uri())
    tab.until("document.readyState === 'complete' && window.asked && window.asked.length > 0")
    tab.until("document.getElementById('state').textContent !== 'Читаем…'")
    tab.ask("Page.removeScriptToEvaluateOnNewDocument", identifier=name)


def text(tab: Browser) -> str:
    return str(tab.run("document.body.innerText"))


def test_the_page_says_where_the_money_is_and_who_is_late(tab: Browser) -> None:
    opened(tab, [REGION])

    said = text(tab)

    assert "Сады, Талдыкорган" in said and "Согласование заявки" in said
    assert "390\u202f000" in said and "610\u202f000" in said
    assert "дней просрочки: 3" in said and "Несколько небольших организаций" in said
    assert "15.04.2026" in said
    assert tab.run("window.asked").pop().startswith("/v1/payouts/clock?month=")
    # A provider's name is text, whatever it holds.
    assert (
        "<b>Балапан</b>" in said and tab.run("document.querySelectorAll('td b, th b').length") == 0
    )
    assert tab.errors == []


@pytest.mark.parametrize(
    ("language", "words"),
    [("kk", "Ақша қазір қайда?"), ("ru", "Где сейчас деньги?"), ("en", "Where is the money now?")],
)
def test_it_speaks_three_languages(tab: Browser, language: str, words: str) -> None:
    opened(tab, [REGION])

    tab.run(f"document.querySelector('[data-tongue={language}]').click()")

    assert words in text(tab)
    assert tab.run("document.documentElement.lang") == language
    assert "undefined" not in text(tab)
    assert tab.run("document.querySelectorAll('[data-say]:empty').length") == 0


def test_a_region_is_chosen_and_asked_for(tab: Browser) -> None:
    opened(tab, [REGION])

    tab.run("window.asked.length = 0")
    tab.run(
        "(() => { const region = document.getElementById('region');"
        " region.value = 'preschool/taldykorgan';"
        " region.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )
    tab.until("window.asked.length === 1")

    assert "programme=preschool&area=taldykorgan" in tab.run("window.asked[0]")
    assert "area=taldykorgan" in tab.run("document.getElementById('file').href")


def test_it_opens_with_the_month_that_is_paid_by_our_clock(tab: Browser) -> None:
    opened(tab, [REGION])

    assert tab.run("document.getElementById('month').value") == "2026-03"
    assert tab.run("window.asked.length") == 2 and "18.04.2026 13:00" in text(tab)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_on_a_telephone_nothing_stands_out_at_the_side(tab: Browser, language: str) -> None:
    tab.ask(
        "Emulation.setDeviceMetricsOverride",
        width=360,
        height=800,
        deviceScaleFactor=1,
        mobile=True,
    )
    title = dict.fromkeys(
        ("kk", "ru", "en"), "Үйірмелер мен секцияларға бірыңғай ваучер, Қарағанды қаласы"
    )
    late = {**LATE, "name": "Ақбота " * 9, "site_id": "site-" + "3f0f9fd0" * 7}
    opened(tab, [{**REGION, "title": title, "overdue": [late]}], language)

    assert tab.run("document.documentElement.scrollWidth") == 360
    tab.ask("Emulation.clearDeviceMetricsOverride")


def test_nothing_to_show_and_no_answer_are_said(tab: Browser) -> None:
    opened(tab, [])
    assert "За этот месяц нечего показать." in text(tab)

    opened(tab, None)
    assert "Данные не получены." in text(tab)


def test_it_fits_a_telephone(tab: Browser) -> None:
    tab.ask(
        "Emulation.setDeviceMetricsOverride",
        width=360,
        height=740,
        deviceScaleFactor=2,
        mobile=True,
    )
    opened(tab, [REGION])

    assert tab.run("document.documentElement.scrollWidth <= window.innerWidth")
