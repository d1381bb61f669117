"""A verifier service for algorithms that are not known here: NCANode's `/cms/verify`, or alike.

    {"cms": base64, "data": base64, "revocationCheck": ["OCSP", "CRL"]}
    → {"valid": true, "signers": [{"certificates": [{"valid": true, "keyUsage": "SIGN",
       "keyUser": ["INDIVIDUAL"], "subject": {"iin": …}, "revocations": [{"revoked": false}]}]}]}

The service stands inside the operator's own network and is trusted with the text. Its answer is
read strictly: whatever is missing, doubled or of another type is a no, and silence is neither.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.patience import read_whole
from chalicelib.adapters.signatures.form import Signed
from chalicelib.adapters.signatures.verdicts import Signer, VerifierSilent, Wrong

_TIMEOUT_S = 8.0
_ANSWER_BYTES_MAX = 512 * 1024
_IIN = re.compile(r"[0-9]{12}\Z")
_PERSON, _ORGANISATION = "INDIVIDUAL", "ORGANIZATION"


def ask(cms: bytes, text: bytes, *, signed: Signed) -> Signer:
    """Return who signed, by the service. Raises Wrong, VerifierSilent."""
    address = os.environ.get("KEZEK_EDS_VERIFIER_URL")
    if not address:
        raise Wrong("algorithm-elsewhere")
    said = _post(
        address,
        {
            "cms": base64.b64encode(cms).decode(),
            "data": base64.b64encode(text).decode(),
            "revocationCheck": ["OCSP", "CRL"],
        },
    )
    return _judge(said, signed)


def _post(address: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
    request = urllib.request.Request(  # noqa: S310 — the address is the operator's setting
        address.rstrip("/") + "/cms/verify",
        data=json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # nosec B310
            said = json.loads(read_whole(answer, most=_ANSWER_BYTES_MAX, within_s=1.0))
    except urllib.error.HTTPError as error:
        # The service answers 4xx to what it cannot read as a signature.
        if 400 <= error.code < 500 and error.code not in (401, 403, 404, 408, 429):
            raise Wrong("refused-elsewhere") from error
        raise VerifierSilent(missing="verifier") from error
    except (urllib.error.URLError, OSError, ValueError, RecursionError) as error:
        raise VerifierSilent(missing="verifier") from error
    if not isinstance(said, Mapping):
        raise VerifierSilent(missing="verifier")
    return said


def _judge(said: Mapping[str, Any], signed: Signed) -> Signer:
    signers = said.get("signers")
    if said.get("valid") is not True or not isinstance(signers, list):
        raise Wrong("refused-elsewhere")
    if len(signers) != 1:
        raise Wrong("not-one-signer")
    certificate = _first(signers[0], "certificates")
    if certificate.get("valid") is not True:
        raise Wrong("refused-elsewhere")
    if certificate.get("keyUsage") != "SIGN":
        raise Wrong("wrong-certificate-use")
    users = certificate.get("keyUser")
    if not isinstance(users, list) or _PERSON not in users or _ORGANISATION in users:
        raise Wrong("not-a-person")
    revocations = certificate.get("revocations")
    if not isinstance(revocations, list) or not revocations:
        raise VerifierSilent(missing="revocation-list")
    if not all(isinstance(r, Mapping) and r.get("revoked") is False for r in revocations):
        raise Wrong("revoked")
    subject = certificate.get("subject")
    iin = subject.get("iin") if isinstance(subject, Mapping) else None
    if not isinstance(iin, str) or not _IIN.match(iin):
        raise Wrong("no-iin")
    # The service must speak of the certificate that the message names, not of another in it.
    if f"IIN{iin}" != signed.subject_number:
        raise Wrong("refused-elsewhere")
    return Signer(
        iin=iin,
        certificate=hashlib.sha256(signed.certificate).hexdigest(),
        algorithm="gost",
        via="service",
    )


def _first(signer: object, name: str) -> Mapping[str, Any]:
    found = signer.get(name) if isinstance(signer, Mapping) else None
    if not isinstance(found, list) or not found or not isinstance(found[0], Mapping):
        raise Wrong("refused-elsewhere")
    return found[0]
