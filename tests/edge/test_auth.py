"""Who is asking, over HTTP: what a caller is told who must sign in, anew or more strongly.

What makes a token good or bad stands in tests/promises/test_b3.py.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from app import app
from chalicelib.access import actions as access
from chalicelib.edge.routes import Operation, operations
from chalicelib.kernel.actors import PUBLIC, Role
from infra.local import issuer
from infra.local.testing import MORNING, Said, TestCloud
from tests.edge.issuing import NOW

assert app is not None
STRONG_ONLY = [o for o in operations() if access.row(o.action).step_up]
# Money, and what opens health data or everybody's: these at least.
WANTED = {
    "payouts/sign",
    "payouts/agree",
    "payouts/release",
    "payouts/make-run",
    "payouts/confirm-run",
    "payouts/take-answer",
    "providers/confirm-account",
    "budgets/allot",
    "access/break-glass",
    "access/revoke",
    "access/lift-revocation",
    "vouchers/raise",
}


def ask(cloud: TestCloud, operation: Operation, **claims: Any) -> Said:
    row = access.row(operation.action)
    role = min(r.value for r in row.roles if r is not Role.PUBLIC)
    path = re.sub(r"\{\w+\}", "nonexistent-9", operation.path)
    token = cloud.token(role, "somebody", areas=["*"], **claims)
    why = {"kezek-purpose": "verification"}
    return cloud.request(operation.method, path, token=token, headers=why)


def test_no_token_is_the_public() -> None:
    from chalicelib.edge import auth

    assert auth.caller(None, now=NOW) is PUBLIC


def test_who_is_not_signed_in_is_told_how(cloud: TestCloud) -> None:
    said = cloud.get("/v1/notices")

    assert (said.status, said.code) == (401, "kezek/sign-in")
    assert said.headers["www-authenticate"] == "Bearer"


def test_whose_token_is_bad_is_told_so(cloud: TestCloud) -> None:
    said = cloud.get("/v1/notices", token="junk")

    assert (said.status, said.code) == (401, "kezek/bad-token")
    assert said.headers["www-authenticate"] == 'Bearer error="invalid_token"'


# --- step-up


def test_money_and_health_need_a_strong_sign_in() -> None:
    assert {operation.action for operation in STRONG_ONLY} >= WANTED


@pytest.mark.parametrize("operation", STRONG_ONLY, ids=lambda o: f"{o.method} {o.path}")
@pytest.mark.parametrize(
    "claims",
    [
        {"acr": None, "auth_time": None},
        {"acr": "password"},
        {"auth_time": None},
        {"auth_time": int((MORNING - timedelta(minutes=15, seconds=1)).timestamp())},
    ],
    ids=["plain", "weak", "undated", "old"],
)
def test_a_weak_or_old_sign_in_is_sent_back_to_sign_in_strongly(
    cloud: TestCloud, operation: Operation, claims: dict[str, Any]
) -> None:
    said = ask(cloud, operation, **claims)

    assert (said.status, said.code) == (401, "kezek/step-up")
    assert said.headers["www-authenticate"] == (
        f'Bearer error="insufficient_user_authentication", acr_values="{issuer.STRONG}", '
        'max_age="900"'
    )


@pytest.mark.parametrize("operation", STRONG_ONLY, ids=lambda o: f"{o.method} {o.path}")
def test_a_strong_sign_in_serves_for_a_quarter_of_an_hour(
    cloud: TestCloud, operation: Operation
) -> None:
    ago = int((MORNING - timedelta(minutes=15)).timestamp())

    assert ask(cloud, operation, auth_time=ago).code != "kezek/step-up"


def test_how_long_it_serves_can_be_set(cloud: TestCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEZEK_STEP_UP_MINUTES", "5")
    ago = int((MORNING - timedelta(minutes=6)).timestamp())

    said = ask(cloud, STRONG_ONLY[0], auth_time=ago)

    assert said.code == "kezek/step-up"
    assert 'max_age="300"' in said.headers["www-authenticate"]


def test_what_needs_no_strong_sign_in_does_not_ask_for_one(cloud: TestCloud) -> None:
    token = cloud.token("head", organisations=["organisation-1"], acr=None, auth_time=None)

    assert cloud.get("/v1/notices", token=token).status == 200
