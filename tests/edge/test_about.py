"""What Kezek says of itself: the API's document, its page, each problem in words."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.payouts.rules import clock
from infra.local.testing import TestCloud

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_is_openapi_3_1_with_every_slice(cloud: TestCloud) -> None:
    said = cloud.get("/v1/openapi.json")

    assert said.status == 200
    assert said.json["openapi"] == "3.1.0"
    slices = {path.split("/")[2] for path in said.json["paths"] if path.startswith("/v1/")}
    assert slices >= {"children", "applications", "queue", "attendance", "payouts", "notices"}


def test_the_page_needs_nothing_from_elsewhere(cloud: TestCloud) -> None:
    said = cloud.get("/docs")

    assert said.status == 200
    assert said.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in said.headers["content-security-policy"]
    assert not re.findall(r"""(?:src|href)=["']https?://""", said.text)


def test_the_page_that_checks_is_served_as_it_lies_and_may_ask_nobody(cloud: TestCloud) -> None:
    said = cloud.get("/verify")

    assert said.status == 200
    assert said.headers["content-type"].startswith("text/html")
    assert said.text == (ROOT / "verify" / "index.html").read_text("utf-8")
    policy = said.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src" not in policy and policy.endswith("frame-ancestors 'none'")


def test_the_page_of_the_clock_asks_us_alone_and_says_everything_in_three_languages(
    cloud: TestCloud,
) -> None:
    said = cloud.get("/clock")

    assert said.status == 200
    assert said.headers["content-type"].startswith("text/html")
    policy = said.headers["content-security-policy"]
    assert "script-src 'sha256-" in policy and "connect-src 'self'" in policy
    assert not re.findall(r"""(?:src|href|fetch\()=?["'`]https?://""", said.text)
    assert re.findall(r"fetch\(`(/[^?`]+)", said.text) == ["/v1/payouts/clock"]
    for language in ("kk", "ru", "en"):
        said_here = re.search(
            rf"^  {language}: \{{(.*?)^  \}},", said.text, re.DOTALL | re.MULTILINE
        )
        assert said_here is not None
        words = set(re.findall(r"(\w+): \"", said_here[1]))
        assert set(clock.STEPS) | set(clock.WHO.values()) <= words, language
        assert set(re.findall(r'data-say="(\w+)"', said.text)) <= words, language


def test_the_page_of_savings_asks_us_alone_and_says_everything_in_three_languages(
    cloud: TestCloud,
) -> None:
    said = cloud.get("/savings")

    assert said.status == 200
    assert said.headers["content-type"].startswith("text/html")
    policy = said.headers["content-security-policy"]
    assert "script-src 'sha256-" in policy and "connect-src 'self'" in policy
    assert not re.findall(r"""(?:src|href|fetch\()=?["'`]https?://""", said.text)
    asked = set(re.findall(r"read\([`\"](/[^?`\"]+)", said.text))
    assert asked == {"/v1/billing/self-audit", "/v1/billing/savings"}
    keys = []
    for language in ("kk", "ru", "en"):
        said_here = re.search(
            rf"^  {language}: \{{(.*?)^  \}},", said.text, re.DOTALL | re.MULTILINE
        )
        assert said_here is not None
        keys.append(set(re.findall(r"(\w+): \"", said_here[1])))
        assert set(re.findall(r'data-say="(\w+)"', said.text)) <= keys[-1], language
        assert set(re.findall(r'say\("(\w+)"', said.text)) <= keys[-1], language
    assert keys[0] == keys[1] == keys[2]


def test_a_problem_is_explained_in_three_languages(cloud: TestCloud) -> None:
    said = cloud.get("/v1/problems/applications/already-applied")

    assert said.status == 200
    assert len({said.json[language] for language in ("kk", "ru", "en")}) == 3


def test_a_problem_nobody_knows_is_unknown(cloud: TestCloud) -> None:
    assert cloud.get("/v1/problems/applications/no-such-thing").code == "kezek/unknown"
