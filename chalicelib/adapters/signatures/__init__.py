"""The electronic signature of a person: did the holder of this IIN sign exactly this text?

    verify(cms, text, asked_at=…, now=…) -> Verdict       the port

Two implementations stand behind it, chosen by the algorithm the signature names:

    here      RSA from 2048 bits and ECDSA with SHA-2: asn1crypto reads, cryptography judges
    elsewhere GOST 34.310: a verifier service of the operator (`KEZEK_EDS_VERIFIER_URL`), because no
              kept Python library knows it; where none is configured the answer is a named no

    form      what a CMS says, without trusting any of it
    trust     to whom the certificate belongs, by which root, and whether it was revoked
    remote    the verifier service

Settings: `KEZEK_EDS_ROOTS`, PEM text or a folder or file of certificates: self-signed ones are the
roots, the others help to find the way to them. `KEZEK_EDS_CRLS`: a folder or file of revocation
lists, or their addresses. A signature that cannot be judged, because there are no roots or the
lists are stale, is neither a yes nor a no: VerifierSilent.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.adapters.signatures.verdicts import (
    PROBLEMS,
    Problem,
    Signer,
    Verdict,
    VerifierSilent,
    Wrong,
)

__all__ = ["PROBLEMS", "Problem", "Signer", "Verdict", "VerifierSilent", "Wrong", "verify"]

CMS_BYTES_MAX = 64 * 1024


def verify(cms: bytes, text: bytes, *, asked_at: datetime, now: datetime) -> Verdict:
    """Return who signed a text, or which check failed. Raises VerifierSilent.

    asked_at: when the text was given out; the certificate was valid then and is now. The checks
    run in a fixed order: form, text, signature, way to a root, purpose, validity, person,
    revocation.
    """
    # Not before they are needed: a cold start counts milliseconds.
    from chalicelib.adapters.signatures import form, remote, trust

    try:
        if len(cms) > CMS_BYTES_MAX:
            raise Wrong("not-cms")
        signed = form.read(cms)
        if signed.elsewhere:
            form.check_content(signed, text)
            signer = remote.ask(cms, text, signed=signed)
        else:
            form.check_text(signed, text)
            certificate = form.check_signature(signed)
            signer = trust.judge(
                certificate,
                [form.load(der) for der in signed.others],
                asked_at=asked_at,
                signed_at=signed.signed_at,
                now=now,
            )
    except Wrong as wrong:
        return Verdict(wrong.problem, None, wrong.digest)
    return Verdict(None, signer, None)
