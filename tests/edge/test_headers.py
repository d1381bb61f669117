"""What stands on every answer, and whose pages may read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.edge import headers
from chalicelib.kernel.refusals import Malformed
from infra import gateway_template
from infra.local.testing import Said, TestCloud

PORTAL, OTHER = "https://portal.example", "https://evil.example"
CATALOGUE = "/v1/providers/catalogue?area=taldykorgan"


@pytest.fixture(autouse=True)
def portals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KEZEK_PORTALS", json.dumps([PORTAL, "https://two.example:8443"]))
    headers.forget_portals()
    yield
    headers.forget_portals()


ANSWERS: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", CATALOGUE, {}, 200),
    ("GET", "/docs", {}, 200),
    ("GET", "/v1/openapi.json", {}, 200),
    ("GET", "/v1/nothing/here", {}, 404),
    ("DELETE", "/v1/providers/catalogue", {}, 405),
    ("GET", "/v1/children/me", {}, 401),
    ("GET", "/v1/children/me", {"role": "finance"}, 403),
    ("GET", "/v1/providers/catalogue", {}, 400),
    ("PUT", "/v1/children/me", {"role": "representative", "body": b"{}"}, 415),
    ("PUT", "/v1/children/me", {"body": b" " * 11_000_000}, 413),
]


def ask(cloud: TestCloud, method: str, path: str, more: dict[str, Any], origin: str | None) -> Said:
    token = cloud.token(more["role"]) if "role" in more else None
    sent = {"origin": origin} if origin else {}
    return cloud.request(method, path, more.get("body"), token=token, headers=sent)


@pytest.mark.parametrize(("method", "path", "more", "status"), ANSWERS)
def test_every_answer_has_its_security_headers(
    cloud: TestCloud, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    said = ask(cloud, method, path, more, None)

    assert said.status == status
    assert said.headers["strict-transport-security"].startswith("max-age=63072000")
    assert said.headers["x-content-type-options"] == "nosniff"
    assert said.headers["referrer-policy"] == "no-referrer"
    assert said.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in said.headers["content-security-policy"]
    assert said.headers["cross-origin-opener-policy"] == "same-origin"
    assert said.headers["cross-origin-resource-policy"] == "same-origin"
    kept = said.headers["cache-control"]
    assert kept == "no-store" or (method == "GET" and "role" not in more and "max-age=" in kept)
    assert "Origin" in said.headers["vary"] and "Accept-Language" in said.headers["vary"]
    assert "server" not in said.headers and "x-powered-by" not in said.headers
    assert "access-control-allow-origin" not in said.headers


@pytest.mark.parametrize(("method", "path", "more", "status"), ANSWERS)
def test_a_portals_page_may_read_every_answer_and_no_other_page_any(
    cloud: TestCloud, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    said = ask(cloud, method, path, more, PORTAL)
    strange = ask(cloud, method, path, more, OTHER)

    assert said.status == strange.status == status
    assert said.headers["access-control-allow-origin"] == PORTAL
    assert "Retry-After" in said.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in said.headers
    assert not [name for name in strange.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "*",
        "https://portal.example.evil.example",
        "https://evilportal.example",
        "http://portal.example",
        "https://portal.example:444",
        "https://portal.example/",
        "https://PORTAL.example",
        "https://two.example",
        "https://portal.example, https://evil.example",
    ],
)
def test_an_origin_that_is_only_alike_is_a_stranger(cloud: TestCloud, origin: str) -> None:
    said = cloud.get(CATALOGUE, headers={"origin": origin})

    assert "access-control-allow-origin" not in said.headers


def test_a_portals_page_is_told_what_it_may_send(cloud: TestCloud) -> None:
    said = cloud.request(
        "OPTIONS",
        "/v1/applications/application-1",
        headers={"origin": PORTAL, "access-control-request-method": "PUT"},
    )

    assert (said.status, said.content) == (204, b"")
    assert said.headers["access-control-allow-origin"] == PORTAL
    assert said.headers["access-control-allow-methods"] == "GET, PUT"
    allowed = said.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "accept-language"} <= set(allowed.split(", "))
    assert "*" not in allowed
    assert int(said.headers["access-control-max-age"]) <= 7200


def test_a_stranger_is_told_nothing(cloud: TestCloud) -> None:
    for sent in ({"origin": OTHER}, {}):
        said = cloud.request("OPTIONS", "/v1/applications/application-1", headers=sent)
        assert said.status == 204
        assert not [name for name in said.headers if name.startswith("access-control-")]
    assert cloud.request("OPTIONS", "/v1/no/such/path", headers={"origin": PORTAL}).status == 404


def test_without_portals_no_page_may_read(
    cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEZEK_PORTALS")
    headers.forget_portals()

    said = cloud.get(CATALOGUE, headers={"origin": PORTAL})

    assert "access-control-allow-origin" not in said.headers


@pytest.mark.parametrize(
    "listed",
    [
        "https://portal.example",
        '"https://portal.example"',
        '["*"]',
        '["null"]',
        '["https://*.example"]',
        '["http://portal.example"]',
        '["https://portal.example/"]',
        '["https://portal.example\\n"]',
        "[1]",
    ],
)
def test_a_list_that_would_let_in_more_is_refused(
    monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setenv("KEZEK_PORTALS", listed)
    headers.forget_portals()

    with pytest.raises(headers.Misconfigured):
        headers.portals()


# --- requests


@pytest.mark.parametrize(
    ("given", "every", "header", "problem"),
    [
        ({}, {"authorization": ["Bearer a", "Bearer b"]}, "authorization", "doubled"),
        ({}, {"Content-Type": ["application/json", "text/plain"]}, "content-type", "doubled"),
        ({}, {"Host": ["a", "b"]}, "host", "doubled"),
        ({f"x-{n}": "1" for n in range(65)}, {}, "*", "too-many"),
        ({"x": "a" * 9_300}, {}, "*", "too-long"),
        ({f"x-{n}": "a" * 5_000 for n in range(4)}, {}, "*", "too-long"),
    ],
)
def test_headers_that_nobody_needs_are_refused(
    given: dict[str, str], every: dict[str, list[str]], header: str, problem: str
) -> None:
    with pytest.raises(headers.BadHeader) as refused:
        headers.check(given, every)

    assert refused.value.facts == {"header": header, "problem": problem}
    assert isinstance(refused.value, Malformed)


def test_too_many_headers_are_refused_over_http(cloud: TestCloud) -> None:
    sent = {f"x-{n}": "1" for n in range(70)}

    assert cloud.get(CATALOGUE, headers=sent).code == "kezek/bad-header"


@pytest.mark.parametrize(
    "segment", ["a%2Fb", "a%5Cb", "%00", "a%0Ab", "%252e%252e", "%2e%2e%2fkeys", "%FF%FE"]
)
def test_a_path_that_reads_in_two_ways_is_refused(cloud: TestCloud, segment: str) -> None:
    for path in (f"/v1/providers/sites/{segment}", f"/v1/problems/kezek/{segment}"):
        said = cloud.get(path)
        assert said.status in (400, 404)
        assert said.code in ("kernel/bad-id", "kezek/bad-field", "kezek/unknown")


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x"])
def test_a_compressed_body_is_refused(cloud: TestCloud, coding: str) -> None:
    said = cloud.put(
        "/v1/children/me",
        {},
        token=cloud.token("representative"),
        headers={"content-encoding": coding},
    )

    assert (said.status, said.code) == (415, "kezek/content-encoding")


# --- the gateway's own errors


RESPONSES = {
    name: resource["Properties"]
    for name, resource in gateway_template.resources("prod").items()
    if resource["Type"] == "AWS::ApiGateway::GatewayResponse"
}


@pytest.mark.parametrize("name", RESPONSES)
def test_the_gateways_own_errors_have_the_same_headers_and_shape(name: str) -> None:
    said = RESPONSES[name]
    given = {
        key.removeprefix("gatewayresponse.header."): value
        for key, value in said["ResponseParameters"].items()
    }

    assert set(headers.SECURITY) <= set(given)
    assert given["Content-Type"] == "'application/problem+json'"
    assert given["Access-Control-Allow-Origin"] == {"Fn::Sub": "'${PortalOrigin}'"}
    for value in given.values():
        if isinstance(value, str):
            assert value[0] == value[-1] == "'" and "'" not in value[1:-1]
    problem = json.loads(said["ResponseTemplates"]["application/json"])
    assert problem["type"] == f"/v1/problems/{problem['code']}"
    if "StatusCode" in said:
        assert str(problem["status"]) == said["StatusCode"]
    assert ("Retry-After" in given) == (problem.get("status") in (429, 503))


def test_the_gateway_says_every_kind_of_error_it_has() -> None:
    kinds = {said["ResponseType"] for said in RESPONSES.values()}

    assert kinds >= {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "WAF_FILTERED", "ACCESS_DENIED"}


def test_an_address_and_a_public_change_have_limits_of_their_own() -> None:
    made = gateway_template.resources("prod")

    (rule,) = made["Firewall"]["Properties"]["Rules"]
    assert rule["Statement"]["RateBasedStatement"]["AggregateKeyType"] == "IP"
    assert "Firewall" in json.dumps(made["FirewallAssociation"])
    settings = {
        (s["ResourcePath"], s["HttpMethod"]): s["ThrottlingRateLimit"]
        for s in made["RestAPI"]["Properties"]["MethodSettings"]
    }
    everything = settings.pop(("/*", "*"))
    assert settings[("/~1v1~1access~1logout", "POST")] < everything
    assert ("/~1v1~1attendance~1confirmations~1{code}", "PUT") in settings
    assert not [s for s in made["RestAPI"]["Properties"]["MethodSettings"] if s["DataTraceEnabled"]]
