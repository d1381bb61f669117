"""A voucher cancelled for fraud: why it may be, and that it was already."""

from __future__ import annotations

from typing import Literal

from chalicelib.kernel.refusals import AnotherContent
from chalicelib.vouchers.rules.values import Voucher

FraudReason = Literal["false-applicant", "forged-papers", "false-attendance"]

# As a notice says it, in each language.
FRAUD_CALLED: dict[FraudReason, dict[str, str]] = {
    "false-applicant": {
        "kk": "өтінішті баланың өкілі бермеген",
        "ru": "заявление подал не представитель ребёнка",
        "en": "somebody who does not represent the child applied",
    },
    "forged-papers": {
        "kk": "құжаттар жалған",
        "ru": "документы подложны",
        "en": "papers were forged",
    },
    "false-attendance": {
        "kk": "болмаған сабаққа қатысу расталған",
        "ru": "подтверждены посещения, которых не было",
        "en": "attendance was confirmed that never happened",
    },
}


def cancelled_already(voucher: Voucher, asked: str) -> bool:
    """Return whether a voucher was cancelled by this very act. Raises AnotherContent."""
    if voucher.cancelled and voucher.cancelled != asked:
        raise AnotherContent(voucher_id=voucher.voucher_id)
    return bool(voucher.cancelled)
