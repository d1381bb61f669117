"""The drill: rebuild every table from the journals, then say where what is stored differs.

Rows come from the images in journal entries, attendance marks from the tablets' signed uploads,
balances from the accounts' lines. Safe to repeat and to interrupt; sealed fields are not touched.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.attendance import actions as attendance
from chalicelib.budgets.store import ledger
from chalicelib.journal import actions as journal
from chalicelib.journal.store import Image
from chalicelib.storage.vault import rotation


def run() -> dict[str, int]:
    """Return how many rows, marks and balances were written, and how many rows still differ."""
    told: dict[str, int] = {}
    newest = journal.newest_images()
    for table, rows in sorted(journal.rebuild(newest).items()):
        told[f"rows written in {table}"] = rows
    marks = balances = 0
    for image in newest.values():
        if _is_site(image):
            marks += attendance.rebuild_marks(image.pk.removeprefix("SITE#")).marks
    for account in sorted(_accounts(newest.values())):
        ledger.restore_balance(account)
        balances += 1
    told["marks folded"] = marks
    told["balances summed"] = balances
    told["numbers claimed"] = rotation.claim_lost()
    told["rows that differ"] = sum(1 for _ in journal.differences(newest))
    return told


def _is_site(image: Image) -> bool:
    return image.table == "facts" and image.pk.startswith("SITE#") and image.sk == "-"


def _accounts(images: Iterable[Image]) -> set[str]:
    """Return the accounts that have lines, and what is recoverable of each site's month."""
    lines = {
        image.pk.removeprefix("ACCOUNT#").partition("#")[0]
        for image in images
        if image.table == "money" and image.pk.startswith("ACCOUNT#")
    }
    months = {name.partition(":")[2] for name in lines if name.startswith("accrued:")}
    return lines | {f"recoverable:{month}" for month in months}
