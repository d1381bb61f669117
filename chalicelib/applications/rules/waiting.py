"""What a family is told to do next, by how its application stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib.applications.rules.intakes import Intake
from chalicelib.applications.rules.proving import prove_by
from chalicelib.applications.rules.values import Application
from chalicelib.kernel.periods import stamp
from chalicelib.policy.rules import Terms

Step = Literal[
    "prove",
    "wait-for-close",
    "wait-for-draw",
    "wait",
    "sign",
    "confirm",
    "use-voucher",
    "restore",
    "apply-again",
]


@dataclass(frozen=True, slots=True)
class Next:
    """What to do next, and until when; None where no term runs."""

    step: Step
    until: str | None = None


def next_step(
    application: Application,
    intake: Intake | None,
    *,
    terms: Terms,
    now: datetime,
    needs_signature: bool = False,
) -> Next:
    """Return what comes next for an application; intake: the window it was made in, if any.

    needs_signature: a voucher is confirmed only for a signed application.
    """
    match application.state:
        case "queued":
            waits = prove_by(application)
            if waits is not None:
                return Next("prove", waits)
            if intake is not None and intake.randomness is None:
                if stamp(now) < intake.closes_at:
                    return Next("wait-for-close", intake.closes_at)
                return Next("wait-for-draw", intake.beacon_at)
            return Next("wait")
        case "offered":
            unsigned = needs_signature and application.signed_at is None
            return Next("sign" if unsigned else "confirm", application.confirm_by)
        case "fulfilled":
            return Next("use-voucher")
        case "inactive":
            until = application.restore_until
            left = application.restores < terms.restores_max
            if until is not None and left and stamp(now) < until:
                return Next("restore", until)
            return Next("apply-again")
        case _:
            return Next("apply-again")
