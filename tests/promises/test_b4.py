"""B4: nothing is open by accident. From OPERATIONS and table.toml: no, junk, expired, foreign."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from chalicelib.access import actions as access
from chalicelib.edge.routes import Operation
from chalicelib.kernel.actors import Role
from infra.local.testing import MORNING, TestCloud
from tests.offered import OPERATIONS

_PEOPLE = [r for r in Role if r not in (Role.PUBLIC, Role.SYSTEM, Role.DEVICE)]


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _path(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", "nonexistent-9", operation.path)


def test_b4_every_operation_has_its_row_and_every_row_its_operation() -> None:
    actions = {operation.action for operation in OPERATIONS}

    assert actions == set(access.table().rows)
    assert all(access.table().rows.values()), "an action that nobody may do"


@pytest.mark.parametrize("operation", OPERATIONS, ids=_name)
def test_b4_no_junk_expired_or_foreign_token_opens_anything(
    cloud: TestCloud, operation: Operation
) -> None:
    allowed = access.roles_of(operation.action)
    path = _path(operation)

    def sent(token: str | None, scheme: str = "Bearer") -> tuple[int, str | None]:
        headers = {"authorization": f"{scheme} {token}"} if token is not None else {}
        said = cloud.request(operation.method, path, headers=headers)
        return said.status, said.code

    role = next((r.value for r in allowed if r in _PEOPLE), "auditor")
    good = cloud.token(role, "somebody")
    cloud.clock.freeze(MORNING - timedelta(days=2))
    expired = cloud.token(role, "somebody")
    cloud.clock.freeze(MORNING)
    head, _, rest = good.partition(".")
    body, _, signature = rest.partition(".")
    bad = (401, "kezek/bad-token")

    assert sent("junk") == bad
    assert sent(expired) == bad
    assert sent(f"{head}.{body}.{signature[::-1]}") == bad
    assert sent(f"{head}.{body}.") == bad
    assert sent(good, scheme="Basic") == bad
    if Role.PUBLIC in allowed:
        assert sent(None)[0] not in (401, 403)
        return
    assert sent(None) == (401, "kezek/sign-in")
    for foreign in _PEOPLE:
        if foreign not in allowed:
            assert sent(cloud.token(foreign.value, "x")) == (403, "kezek/not-your-role"), foreign
    assert sent(cloud.token([], "x"))[0] == 403
    # Roles that a person's token may never carry.
    for never in ("system", "device", "public", "root"):
        assert sent(cloud.token(never, "x"))[0] == 403, never
