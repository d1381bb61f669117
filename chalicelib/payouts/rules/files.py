"""The payment file as ISO 20022 wants it: pain.001.001.09, the same bytes for the same run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from chalicelib.kernel.money import TIYN_IN_TENGE
from chalicelib.kernel.refusals import Unavailable
from chalicelib.payouts.rules.claims import short_id

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CURRENCY = "KZT"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class TreasuryMissing(Unavailable):
    """No account is entered from which an area pays."""

    code = "payouts/treasury-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treasury:
    """Who pays for an area, from which account."""

    name: str
    bin: str
    account: str
    bank: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One payee's line with everything a bank needs; vault data."""

    number: int
    end_to_end_id: str
    organisation_id: str
    payee: str
    bin: str
    account: str
    bank: str
    amount_tiyn: int
    month: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A payment run drawn up: its transfers in order, with control sums."""

    run_id: str
    made_at: str
    execute_on: str
    month: str
    treasury: Treasury
    transfers: tuple[Transfer, ...]

    @property
    def total_tiyn(self) -> int:
        return sum(t.amount_tiyn for t in self.transfers)


def tenge_text(amount_tiyn: int) -> str:
    """Return an amount in tenge with two decimals, as banks write it."""
    whole, rest = divmod(amount_tiyn, TIYN_IN_TENGE)
    return f"{whole}.{rest:02d}"


def pain_001(register: Register) -> bytes:
    """Return the payment file of a run."""
    treasury = register.treasury
    count, total = str(len(register.transfers)), tenge_text(register.total_tiyn)
    document = ET.Element("Document", {"xmlns": NAMESPACE})
    initiation = _sub(document, "CstmrCdtTrfInitn")

    header = _sub(initiation, "GrpHdr")
    _sub(header, "MsgId", short_id("message", register.run_id))
    _sub(header, "CreDtTm", register.made_at)
    _sub(header, "NbOfTxs", count)
    _sub(header, "CtrlSum", total)
    _party(_sub(header, "InitgPty"), treasury.name, treasury.bin)

    payment = _sub(initiation, "PmtInf")
    _sub(payment, "PmtInfId", short_id("payments", register.run_id))
    _sub(payment, "PmtMtd", "TRF")
    _sub(payment, "NbOfTxs", count)
    _sub(payment, "CtrlSum", total)
    _sub(_sub(payment, "ReqdExctnDt"), "Dt", register.execute_on)
    _party(_sub(payment, "Dbtr"), treasury.name, treasury.bin)
    _account(_sub(payment, "DbtrAcct"), treasury.account, currency=True)
    _bank(_sub(payment, "DbtrAgt"), treasury.bank)
    for transfer in register.transfers:
        _transfer(_sub(payment, "CdtTrfTxInf"), transfer)
    ET.indent(document)
    text = ET.tostring(document, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _transfer(element: ET.Element, transfer: Transfer) -> None:
    ids = _sub(element, "PmtId")
    _sub(ids, "InstrId", f"{transfer.number:06d}")
    _sub(ids, "EndToEndId", transfer.end_to_end_id)
    amount = _sub(_sub(element, "Amt"), "InstdAmt", tenge_text(transfer.amount_tiyn))
    amount.set("Ccy", CURRENCY)
    _bank(_sub(element, "CdtrAgt"), transfer.bank)
    _party(_sub(element, "Cdtr"), transfer.payee, transfer.bin)
    _account(_sub(element, "CdtrAcct"), transfer.account)
    _sub(_sub(element, "RmtInf"), "Ustrd", f"Kezek {transfer.month} {transfer.end_to_end_id}")


def _party(element: ET.Element, name: str, number: str) -> None:
    _sub(element, "Nm", _UNPRINTABLE.sub(" ", name)[:140])
    other = _sub(_sub(_sub(element, "Id"), "OrgId"), "Othr")
    _sub(other, "Id", number)


def _account(element: ET.Element, account: str, *, currency: bool = False) -> None:
    _sub(_sub(element, "Id"), "IBAN", account)
    if currency:
        _sub(element, "Ccy", CURRENCY)


def _bank(element: ET.Element, bank: str) -> None:
    _sub(_sub(element, "FinInstnId"), "BICFI", bank)


def _sub(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = text
    return child


REGISTER_HEADINGS: Sequence[str] = (
    "number",
    "end_to_end_id",
    "bin",
    "payee",
    "account",
    "bank",
    "month",
    "amount_tenge",
)


def register_rows(register: Register) -> list[list[str]]:
    """Return the register as a table of texts, the total last; leading zeros stay in texts."""
    rows = [
        [
            str(t.number),
            t.end_to_end_id,
            t.bin,
            t.payee,
            t.account,
            t.bank,
            t.month,
            tenge_text(t.amount_tiyn),
        ]
        for t in register.transfers
    ]
    total = tenge_text(register.total_tiyn)
    rows.append(["total", str(len(rows)), "", "", "", "", register.month, total])
    return rows
