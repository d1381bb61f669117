"""No setting shows itself: not in a representation, an error, an answer, a log or a template."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest

from chalicelib.edge import auth, headers, issuers
from chalicelib.storage import secrets
from infra.local.testing import TestCloud
from infra.template import merge_template

CANARY = "Sapphire-Hyacinth-417"
SECRET = ("Keyring", "RecordKeys", "Treasury", "VaultSecret")


@pytest.fixture
def forgetful() -> Any:
    yield
    secrets.forget_keyring()
    auth.forget_keys()
    headers.forget_portals()


def shapes(raw: bytes) -> list[str]:
    """Return how bytes may look where they should not be."""
    return [repr(raw)[2:-1], raw.hex(), base64.b64encode(raw).decode().rstrip("=")]


def test_a_keyring_does_not_show_its_keys(cloud: TestCloud) -> None:
    ring = secrets.keyring()
    said = f"{ring!r} {ring} {ring!s} {(ring,)}"

    for key in (*ring.root.values(), *ring.lookup.values(), ring.names):
        assert not [shape for shape in shapes(key) if shape in said]


@pytest.mark.parametrize("name", ["KEZEK_KEYS", "KEZEK_KEYS_FILE"])
def test_a_keyring_that_cannot_be_opened_is_named_and_not_shown(
    cloud: TestCloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    forgetful: None,
    name: str,
) -> None:
    token = cloud.token("head", organisations=["organisation-1"])
    monkeypatch.setenv(
        name, base64.b64encode(CANARY.encode()).decode() if "FILE" not in name else CANARY
    )
    secrets.forget_keyring()

    said = cloud.get("/v1/notices", token=token)

    assert said.status in (500, 503)
    everything = said.text + str(said.headers) + capsys.readouterr().out + caplog.text
    for shape in shapes(CANARY.encode()):
        assert shape not in everything


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEZEK_ISSUERS", f"not json {CANARY}"),
        ("KEZEK_ISSUERS", json.dumps([{"iss": CANARY, "jwks_uri": f"http://{CANARY}/"}])),
        ("KEZEK_PORTALS", f"not json {CANARY}"),
        ("KEZEK_PORTALS", json.dumps([CANARY])),
    ],
)
def test_settings_that_cannot_be_read_are_named_and_not_shown(
    cloud: TestCloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    forgetful: None,
    name: str,
    value: str,
) -> None:
    token = cloud.token("head", organisations=["organisation-1"])
    monkeypatch.setenv(name, value)
    auth.forget_keys()
    headers.forget_portals()

    said = cloud.get("/v1/notices", token=token, headers={"origin": "https://a.example"})
    reader = issuers.issuers if name == "KEZEK_ISSUERS" else headers.portals
    with pytest.raises(ValueError, match=name) as refused:
        reader()

    everything = said.text + str(said.headers) + capsys.readouterr().out + caplog.text
    assert CANARY not in everything + str(refused.value) + repr(refused.value)
    if name == "KEZEK_ISSUERS":
        assert (said.status, said.code) == (500, "kezek/our-fault")
    else:
        assert said.status == 200, "a portal's page may not read it; others are not concerned"
        assert "access-control-allow-origin" not in said.headers


def test_the_template_hides_what_is_secret_and_gives_functions_ciphertexts_only() -> None:
    made = merge_template("prod")

    for name in SECRET:
        assert made["Parameters"][name]["NoEcho"] is True
        assert not made["Parameters"][name].get("Default")
    for function in made["Resources"].values():
        if function["Type"] != "AWS::Serverless::Function":
            continue
        settings = function["Properties"]["Environment"]["Variables"]
        plain = {key: value for key, value in settings.items() if isinstance(value, str)}
        assert set(plain) <= {"KEZEK_STAGE", "POWERTOOLS_SERVICE_NAME"}, plain
    keyring = made["Parameters"]["Keyring"]["Description"]
    assert "KMS ciphertext" in keyring


def test_no_route_shows_the_environment(cloud: TestCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEZEK_TREASURY", json.dumps({CANARY: {}}))
    paths = ["/docs", "/v1/openapi.json", "/v1/problems/kezek/unknown", "/v1/nothing", "/"]
    settings = [v for k, v in os.environ.items() if k.startswith("KEZEK_") and len(v) > 12]

    for path in paths:
        text = cloud.get(path).text
        assert not [value for value in [CANARY, *settings] if value in text]
