"""People of the city sign with keys of an authority that is made here and trusted here."""

from __future__ import annotations

import base64
import datetime as dt
import functools
from pathlib import Path

import pytest

from chalicelib.adapters.signatures import trust
from tests.adapters.pki import Authority, message

YEAR_BEGINS = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@functools.cache
def authority() -> Authority:
    """Return the authority that this city trusts."""
    return Authority("CITY", since=YEAR_BEGINS - dt.timedelta(days=400))


def configure(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Trust the authority, with lists in force all year."""
    times = {"at": YEAR_BEGINS, "until": YEAR_BEGINS + dt.timedelta(days=800)}
    folder.mkdir(exist_ok=True)
    (folder / "issuing.crl").write_bytes(authority().revocation_list(**times))
    (folder / "root.crl").write_bytes(authority().revocation_list(by_root=True, **times))
    monkeypatch.setenv("KEZEK_EDS_ROOTS", authority().pem)
    monkeypatch.setenv("KEZEK_EDS_CRLS", str(folder))
    monkeypatch.delenv("KEZEK_EDS_VERIFIER_URL", raising=False)
    trust.forget()


def signature(text: str, iin: str, *, at: dt.datetime) -> dict[str, str]:
    """Return a body with the signature of a person with this IIN."""
    cms = message(authority().person(iin), text.encode(), signed_at=at)
    return {"cms": base64.b64encode(cms).decode()}
