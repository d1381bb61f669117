"""What a check of a signature may find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from chalicelib.kernel.refusals import Unavailable

Problem = Literal[
    "not-cms",  # it cannot be read as CMS SignedData
    "not-one-signer",  # nobody signed it, or several did
    "weak-algorithm",  # SHA-1, a short key, an algorithm outside the list
    "algorithm-elsewhere",  # GOST, and no service that knows it is configured
    "attributes-wrong",  # signed attributes missing, doubled, or of other content
    "another-text",  # what was signed is not the text that was given out
    "certificate-missing",  # the signer's certificate is not in the message, or not the named one
    "extra-certificates",  # certificates that are no part of the way to the root
    "signature-wrong",  # not made with the certificate's key
    "unknown-root",  # no way from the certificate to a root we trust
    "wrong-certificate-use",  # a key for sign-in, or of an authority: it may not sign papers
    "not-a-person",  # an organisation's certificate
    "certificate-expired",  # not valid when the text was given out, when it was signed, or now
    "no-iin",  # the certificate names no IIN
    "revoked",
    "refused-elsewhere",  # the verifier service says no
]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)


class VerifierSilent(Unavailable):
    """The signature cannot be judged now; `missing` says what for. Nothing was decided."""

    code = "kezek/signatures-silent"


class Wrong(Exception):
    """A check failed; the exception carries its name, `digest` what was signed where it is known.

    Inside this package only: callers get a Verdict.
    """

    def __init__(self, problem: Problem, *, digest: str | None = None) -> None:
        super().__init__(problem)
        self.problem: Problem = problem
        self.digest = digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signed. certificate: SHA-256 of the certificate, hex; via: where it was checked."""

    iin: str
    certificate: str
    algorithm: str
    via: Literal["here", "service"] = "here"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Either a problem or a signer. digest: SHA-256 of another text that was signed, if known."""

    problem: Problem | None
    signer: Signer | None
    digest: str | None = None
