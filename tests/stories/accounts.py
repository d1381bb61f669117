"""Accounts that came with an import, compared with the bank's letters by two officers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra.local.testing import TestCloud


def confirm_accounts(cloud: TestCloud, area: str, claims: Iterable[dict[str, Any]]) -> None:
    """Let money follow the accounts of everybody who claims; what is confirmed stays so."""
    for organisation_id in sorted({claim["organisation_id"] for claim in claims}):
        path = f"/v1/providers/organisations/{organisation_id}"
        for n in (1, 2):
            token = cloud.token("department", f"accounts-{n}", areas=[area], directions=["*"])
            seen = cloud.get(path, token=token).json
            if seen["account_state"] == "imported":
                body = {"revision": seen["revision"]}
                said = cloud.put(f"{path}/account-confirmation", body, token=token)
                assert said.status < 300, said.text
