"""Sign-ins that end, and a pattern of queue-grabbing that the department judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from chalicelib.edge.auth import LOGOUT_EVENT
from infra.local import issuer

if TYPE_CHECKING:
    from tests.promises.script import City

FORM = {"content-type": "application/x-www-form-urlencoded"}


def logout_body(city: City, sid: str, jti: str) -> bytes:
    """Return the form by which the issuer says that a sign-in ended."""
    now = int(city.cloud.clock().timestamp())
    claims: dict[str, Any] = {
        "iss": issuer.NAME,
        "aud": issuer.AUDIENCE,
        "iat": now,
        "exp": now + 120,
        "jti": jti,
        "sid": sid,
        "events": {LOGOUT_EVENT: {}},
    }
    headers = {"kid": city.cloud.issuer.kid, "typ": "logout+jwt"}
    token = jwt.encode(claims, city.cloud.issuer.key, algorithm="EdDSA", headers=headers)
    return f"logout_token={token}".encode()


def sign_ins(city: City) -> None:
    """A sign-in is revoked and counts again, one ends at its issuer; one served two persons."""
    stolen = {"session": "0123456789abcdef" * 2, "reason_code": "stolen-sign-in"}
    path = "/v1/access/revocations/revocation-1"
    city.act(city.operator, path, stolen, other={**stolen, "session": "f" * 32})
    city.act(city.operator, f"{path}/lifting")
    said = logout_body(city, "sid-ended", "logout-1")
    again = logout_body(city, "sid-other", "logout-1")
    city.act(None, "/v1/access/logout", said, method="POST", other=again, headers=FORM)
    shared(city)


def shared(city: City) -> None:
    """Two persons apply under one sign-in, in another area, and think better of it."""
    from tests.promises.script import me, wish

    for n in (71, 72):
        person = city.person("representative", f"shared-{n}", sid="sid-shared")
        city.act(person, "/v1/children/me", me(n))
        asked = {**wish(n), "area": "astana"}
        city.act(person, f"/v1/applications/application-{n}", asked)
        city.act(person, f"/v1/applications/application-{n}/withdrawal")
    officer = city.person("department", "officer-astana", areas=["astana"])
    (signal,) = officer.get("/v1/access/signals", query={"area": "astana"})["signals"]
    decision = {"finding": "family", "note_code": "two-parents"}
    city.act(
        officer,
        f"/v1/access/signals/{signal['signal_id']}/decision",
        decision,
        other={**decision, "finding": "grabbing"},
        foreign=city.department,
    )
    city.cloud.drain()
