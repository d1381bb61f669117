"""What Kezek says of itself: the API's document, its page, each problem in words."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_a_problem_is_explained_in_three_languages(cloud: TestCloud) -> None:
    said = cloud.get("/v1/problems/applications/already-applied")

    assert said.status == 200
    assert len({said.json[language] for language in ("kk", "ru", "en")}) == 3


def test_a_problem_nobody_knows_is_unknown(cloud: TestCloud) -> None:
    assert cloud.get("/v1/problems/applications/no-such-thing").code == "kezek/unknown"
