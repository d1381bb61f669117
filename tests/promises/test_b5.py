"""B5: what is revoked is refused within sixty seconds, by processes that had read before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest

from chalicelib.access.actions import revoking
from chalicelib.access.rules.revoking import Known
from chalicelib.edge import auth
from infra.local import faults, issuer
from infra.local.testing import MORNING, Said, TestCloud

EVENT = {auth.LOGOUT_EVENT: {}}
WHOLE_MINUTE = 60


class Processes:
    """Several warm processes over one store: each remembers for itself what it read."""

    def __init__(self, cloud: TestCloud, names: str) -> None:
        self.cloud = cloud
        self.known: dict[str, Known | None] = dict.fromkeys(names)

    def ask(self, name: str, token: str, path: str = "/v1/notices") -> Said:
        revoking._known = self.known[name]
        try:
            return self.cloud.get(path, token=token)
        finally:
            self.known[name] = revoking._known

    def revoke(self, name: str, revocation_id: str, body: dict[str, Any]) -> Said:
        revoking._known = self.known[name]
        try:
            path = f"/v1/access/revocations/{revocation_id}"
            return self.cloud.put(path, body, token=self.cloud.token("operator", "op-1"))
        finally:
            self.known[name] = revoking._known


@pytest.fixture
def processes(cloud: TestCloud) -> Processes:
    return Processes(cloud, "ab")


def head(cloud: TestCloud, subject: str = "head-1", **claims: Any) -> str:
    return cloud.token("head", subject, organisations=["organisation-1"], **claims)


def subject_of(token: str, now: datetime = MORNING) -> auth.Actor:
    return auth.caller(f"Bearer {token}", now=now)


def refused(said: Said) -> bool:
    return (said.status, said.code) == (401, "kezek/revoked")


TARGETS = {
    "subject": lambda actor: {"subject": actor.subject},
    "session": lambda actor: {"session": actor.session},
    "key": lambda actor: {"issuer": actor.issuer, "key_id": "test"},
}


@pytest.mark.parametrize("what", TARGETS)
def test_b5_a_revoked_sign_in_is_refused_within_sixty_seconds(
    cloud: TestCloud, processes: Processes, what: str
) -> None:
    token, asked = head(cloud, sid="session-1"), TARGETS[what]
    body = {**asked(subject_of(token)), "reason_code": "stolen-sign-in"}
    # Process b reads right before, so it believes for as long as any may.
    assert processes.ask("b", token).status == 200
    said = processes.revoke("a", "revocation-1", body)
    assert said.status == 200, said.text

    still = []
    for second in range(WHOLE_MINUTE + 1):
        cloud.clock.freeze(MORNING + timedelta(seconds=second))
        if not refused(processes.ask("b", token)):
            still.append(second)

    assert still == list(range(len(still))), "once refused, refused for good"
    assert len(still) <= 31, "a process rereads every thirty seconds"
    assert refused(processes.ask("a", token)), "who revoked knows it at once"
    assert processes.ask("a", token).headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_b5_a_process_that_slept_for_hours_reads_before_it_believes(
    cloud: TestCloud, processes: Processes
) -> None:
    token = head(cloud)
    assert processes.ask("b", token).status == 200
    body = {"subject": subject_of(token).subject, "reason_code": "misuse"}
    processes.revoke("a", "revocation-1", body)

    for hours in (5, 9, 11):
        cloud.clock.freeze(MORNING + timedelta(hours=hours))
        assert refused(processes.ask("b", token))


def test_b5_a_process_that_starts_weeks_later_knows_what_stands(
    cloud: TestCloud, processes: Processes
) -> None:
    body = {"subject": subject_of(head(cloud)).subject, "reason_code": "left-office"}
    processes.revoke("a", "revocation-1", body)

    cloud.clock.freeze(MORNING + timedelta(days=40))

    assert refused(processes.ask("b", head(cloud)))
    assert processes.ask("b", head(cloud, "head-2")).status == 200


def test_b5_a_revocation_that_ends_by_itself_ends(cloud: TestCloud, processes: Processes) -> None:
    until = MORNING + timedelta(hours=3)
    token = head(cloud)
    body = {
        "subject": subject_of(token).subject,
        "reason_code": "on-request",
        "until": until.isoformat(),
    }
    processes.revoke("a", "revocation-1", body)

    cloud.clock.freeze(until - timedelta(seconds=1))
    assert refused(processes.ask("b", token))
    cloud.clock.freeze(until)
    assert processes.ask("b", token).status == 200


def test_b5_a_lifted_revocation_lets_in_again_within_a_minute(
    cloud: TestCloud, processes: Processes
) -> None:
    token = head(cloud)
    body = {"subject": subject_of(token).subject, "reason_code": "misuse"}
    processes.revoke("a", "revocation-1", body)
    assert refused(processes.ask("b", token))
    path, operator = "/v1/access/revocations/revocation-1/lifting", cloud.token("operator", "op-1")

    assert cloud.put(path, token=cloud.token("operator", "op-2")).status == 202
    cloud.clock.freeze(MORNING + timedelta(seconds=WHOLE_MINUTE))
    assert refused(processes.ask("b", token)), "one officer's word lets nobody in again"
    first = cloud.put(path, token=operator)
    assert first.status == 200 and first.json["lifted_at"]
    assert cloud.put(path, token=operator).json == first.json
    assert cloud.put(path, token=cloud.token("operator", "op-2")).code == "access/already-lifted"

    cloud.clock.freeze(MORNING + timedelta(seconds=2 * WHOLE_MINUTE))
    assert processes.ask("b", token).status == 200
    assert processes.ask("a", token).status == 200


def test_b5_nobody_is_let_in_on_a_guess(cloud: TestCloud, processes: Processes) -> None:
    token = head(cloud)

    with faults.throttle(1, times=20):
        assert processes.ask("b", token).code == "kezek/store-silent", "it never read"
    assert processes.ask("b", token).status == 200

    cloud.clock.freeze(MORNING + timedelta(seconds=31))
    with faults.throttle(1):
        assert processes.ask("b", token).status == 200


def test_b5_reading_on_costs_one_query_each_half_minute(
    cloud: TestCloud, processes: Processes
) -> None:
    token = head(cloud)
    asked = []
    for second in range(0, 121, 5):
        cloud.clock.freeze(MORNING + timedelta(seconds=second))
        with faults.watch() as seen:
            assert processes.ask("b", token, "/v1/notices").status == 200
        asked.append(len(seen.calls))

    usual = min(asked)
    assert [n - usual for n in asked] == [2] + ([0] * 5 + [1]) * 4


# --- the route


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"reason_code": "misuse"}, "access/revoke-what"),
        ({"reason_code": "misuse", "issuer": "https://a.test"}, "access/revoke-what"),
        ({"reason_code": "misuse", "key_id": "k"}, "access/revoke-what"),
        (
            {"reason_code": "misuse", "subject": "a" * 32, "session": "b" * 32},
            "access/revoke-what",
        ),
        ({"reason_code": "misuse", "subject": "Иван"}, "kezek/bad-field"),
        ({"reason_code": "he is a thief", "subject": "a" * 32}, "kezek/bad-field"),
        ({"subject": "a" * 32}, "kezek/bad-field"),
    ],
)
def test_a_revocation_that_names_nothing_or_two_things_is_refused(
    cloud: TestCloud, body: dict[str, Any], code: str
) -> None:
    said = cloud.put("/v1/access/revocations/revocation-1", body, token=cloud.token("operator"))

    assert (said.status, said.code) == (400, code)


def test_the_same_revocation_again_is_the_same_and_another_is_refused(cloud: TestCloud) -> None:
    path, operator = "/v1/access/revocations/revocation-1", cloud.token("operator", "op-1")
    body = {"subject": "a" * 32, "reason_code": "misuse"}

    first = cloud.put(path, body, token=operator)
    cloud.clock.freeze(MORNING + timedelta(minutes=2))

    assert cloud.put(path, body, token=operator).json == first.json
    other = cloud.put(path, {**body, "subject": "b" * 32}, token=operator)
    assert other.code == "kezek/another-content"
    nothing = cloud.put("/v1/access/revocations/revocation-9/lifting", token=operator)
    assert nothing.code == "kezek/unknown"


def test_revoking_needs_an_operator_who_signed_in_strongly(cloud: TestCloud) -> None:
    path, body = (
        "/v1/access/revocations/revocation-1",
        {"subject": "a" * 32, "reason_code": "misuse"},
    )

    assert cloud.put(path, body, token=cloud.token("finance")).code == "kezek/not-your-role"
    weak = cloud.token("operator", "op-1", acr="password")
    assert cloud.put(path, body, token=weak).code == "kezek/step-up"
    assert cloud.put(f"{path}/lifting", token=weak).code == "kezek/step-up"


def test_what_is_revoked_is_listed_while_it_counts(cloud: TestCloud) -> None:
    operator, colleague = (cloud.token("operator", f"op-{n}") for n in (1, 2))
    for n in range(5):
        body = {"subject": f"{n}" * 32, "reason_code": "misuse"}
        if n == 1:
            body["until"] = (MORNING + timedelta(hours=1)).isoformat()
        path = f"/v1/access/revocations/revocation-{n}"
        assert cloud.put(path, body, token=operator).status == 200
    revoking.end_sign_in(
        "logout-1",
        issuer="dev",
        subject=None,
        session="e" * 32,
        at=MORNING,
        until=MORNING + timedelta(hours=12),
        now=MORNING,
    )
    for token in (operator, colleague):
        cloud.put("/v1/access/revocations/revocation-3/lifting", token=token)

    def listed(limit: int) -> list[str]:
        names: list[str] = []
        query = {"limit": str(limit)}
        while True:
            page = cloud.get("/v1/access/revocations", query=query, token=operator).json
            names += [one["revocation_id"] for one in page["items"]]
            assert len(page["items"]) <= limit
            if page["next_cursor"] is None:
                return names
            query["cursor"] = page["next_cursor"]

    assert listed(2) == listed(100) == [f"revocation-{n}" for n in (0, 1, 2, 4)]
    cloud.clock.freeze(MORNING + timedelta(hours=1))
    operator = cloud.token("operator", "op-1")
    assert listed(2) == listed(100) == [f"revocation-{n}" for n in (0, 2, 4)]


def test_the_list_of_revocations_is_for_operators_and_auditors(cloud: TestCloud) -> None:
    path = "/v1/access/revocations"

    assert cloud.get(path).code == "kezek/sign-in"
    assert cloud.get(path, token=cloud.token("department")).code == "kezek/not-your-role"
    assert cloud.get(path, token=cloud.token("auditor")).json == {"items": [], "next_cursor": None}
    other = cloud.get(path, query={"cursor": "x"}, token=cloud.token("operator"))
    assert other.code == "kezek/bad-cursor"


# --- logout at the issuer


def logout_token(cloud: TestCloud, **over: Any) -> str:
    now = int(cloud.clock().timestamp())
    claims = {
        "iss": issuer.NAME,
        "aud": issuer.AUDIENCE,
        "iat": now,
        "exp": now + 120,
        "jti": "logout-1",
        "events": EVENT,
        "sid": "session-1",
        **over,
    }
    headers = {"kid": cloud.issuer.kid, "typ": claims.pop("typ", "logout+jwt")}
    content = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(content, cloud.issuer.key, algorithm="EdDSA", headers=headers)


def log_out(cloud: TestCloud, token: str, *, form: bool = True) -> Said:
    kind = "application/x-www-form-urlencoded" if form else "application/logout+jwt"
    raw = f"logout_token={token}" if form else token
    return cloud.post("/v1/access/logout", raw.encode(), headers={"content-type": kind})


@pytest.mark.parametrize("form", [True, False])
def test_b5_who_signed_out_at_the_issuer_is_refused_within_a_minute(
    cloud: TestCloud, processes: Processes, form: bool
) -> None:
    token, other = head(cloud, sid="session-1"), head(cloud, sid="session-2")
    assert processes.ask("b", token).status == 200

    said = log_out(cloud, logout_token(cloud), form=form)
    assert (said.status, said.headers["cache-control"]) == (204, "no-store")
    cloud.clock.freeze(MORNING + timedelta(seconds=31))

    assert refused(processes.ask("b", token))
    assert processes.ask("b", other).status == 200


def test_b5_a_logout_of_a_subject_ends_all_sign_ins_up_to_then_and_none_after(
    cloud: TestCloud, processes: Processes
) -> None:
    tokens = [head(cloud, sid=f"session-{n}") for n in range(3)]
    other = head(cloud, "head-2")
    cloud.clock.freeze(MORNING + timedelta(minutes=10))
    assert log_out(cloud, logout_token(cloud, sid=None, sub="head-1")).status == 204

    cloud.clock.freeze(MORNING + timedelta(minutes=11))
    assert all(refused(processes.ask("b", token)) for token in tokens)
    assert processes.ask("b", other).status == 200
    assert processes.ask("b", head(cloud)).status == 200, "signed in anew"
    kept_on = head(cloud, auth_time=int(MORNING.timestamp()))
    assert refused(processes.ask("b", kept_on)), "a new token of the old sign-in"


def test_the_same_logout_again_changes_nothing(cloud: TestCloud) -> None:
    token = logout_token(cloud)
    assert log_out(cloud, token).status == 204
    before = cloud.tables.dump()

    assert log_out(cloud, token).status == 204

    assert cloud.tables.dump() == before
    other = log_out(cloud, logout_token(cloud, sid="session-9"))
    assert other.code == "kezek/another-content", "a jti serves once"


BAD_LOGOUTS: list[tuple[dict[str, Any], str]] = [
    ({"aud": "bank"}, "audience"),
    ({"aud": None}, "missing-aud"),
    ({"iss": "https://evil.test"}, "issuer"),
    ({"iat": None}, "missing-iat"),
    ({"jti": None}, "missing-jti"),
    ({"jti": ""}, "subject"),
    ({"events": None}, "events"),
    ({"events": {"http://schemas.openid.net/event/other": {}}}, "events"),
    ({"events": {auth.LOGOUT_EVENT: True}}, "events"),
    ({"events": [auth.LOGOUT_EVENT]}, "events"),
    ({"nonce": "n"}, "nonce"),
    ({"sid": None}, "subject"),
    ({"exp": int(MORNING.timestamp()) - 60}, "expired"),
    ({"iat": int(MORNING.timestamp()) - 700, "exp": None}, "expired"),
    ({"iat": int(MORNING.timestamp()) + 60}, "not-yet"),
    ({"typ": "kezek-device+jwt"}, "typ"),
]


@pytest.mark.parametrize(("over", "problem"), BAD_LOGOUTS, ids=[str(b[0]) for b in BAD_LOGOUTS])
def test_a_forged_logout_ends_nothing(cloud: TestCloud, over: dict[str, Any], problem: str) -> None:
    said = log_out(cloud, logout_token(cloud, **over))

    assert (said.status, said.code) == (400, "kezek/bad-logout")
    assert said.json["problem"] == problem
    assert not any(cloud.tables.dump().values())


def test_a_token_that_signs_in_does_not_sign_out_and_the_other_way(cloud: TestCloud) -> None:
    assert log_out(cloud, head(cloud, sid="session-1")).json["problem"] == "events"
    for typ in ("logout+jwt", "JWT"):
        token = logout_token(cloud, typ=typ, sub="head-1", roles=["head"])
        assert cloud.get("/v1/notices", token=token).code == "kezek/bad-token"


@pytest.mark.parametrize("raw", [b"", b"a=b", b"logout_token=a&logout_token=b", b"\xff", b"a" * 99])
def test_a_form_without_one_logout_token_is_refused(cloud: TestCloud, raw: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    said = cloud.post("/v1/access/logout", raw, headers=headers)

    assert (said.status, said.code, said.json["problem"]) == (400, "kezek/bad-logout", "form")


def test_nothing_of_a_sign_in_is_kept_in_clear(cloud: TestCloud) -> None:
    log_out(cloud, logout_token(cloud, sub="canary-subject", sid="canary-session"))

    rows = [row for table in cloud.tables.dump().values() for row in table]
    assert rows
    assert "canary" not in repr(rows)
