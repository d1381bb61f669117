"""An invented bank: what it says of payments, as CSV, pain.002, camt.053."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

OURS = "KZ3807010KSN01010001"  # the account of Taldykorgan in treasury.toml
_STATUS = {"settled": "ACSC", "refused": "RJCT", "returned": "RJCT", "pending": "PDNG"}


@dataclass(frozen=True)
class Line:
    """What the bank says of one payment; without a name it states an entry of nobody's payment."""

    name: str
    said: str
    tiyn: int
    reason: str = ""
    reference: str = ""


@cache
def schema(message: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(__file__).with_name(f"{message}.xsd")))


def is_valid(message: str, content: bytes) -> bool:
    schema(message).assertValid(etree.fromstring(content))
    return True


def tenge(tiyn: int) -> str:
    return f"{tiyn // 100}.{tiyn % 100:02d}"


def csv(lines: Sequence[Line]) -> bytes:
    rows = ["record,end_to_end_id,status,amount,reason"]
    rows += [f"payment,{one.name},{one.said},{tenge(one.tiyn)},{one.reason}" for one in lines]
    rows.append(f"total,{len(lines)},,{tenge(sum(one.tiyn for one in lines))},")
    return "\r\n".join([*rows, ""]).encode()


def pain_002(lines: Sequence[Line], version: str = "12") -> bytes:
    told = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{escape(one.name)}</OrgnlEndToEndId>"
        f"<TxSts>{_STATUS[one.said]}</TxSts>{_why(one.reason)}"
        f'<OrgnlTxRef><Amt><InstdAmt Ccy="KZT">{tenge(one.tiyn)}</InstdAmt></Amt></OrgnlTxRef>'
        "</TxInfAndSts>"
        for one in lines
    )
    return status_report(
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>p</OrgnlPmtInfId>{told}</OrgnlPmtInfAndSts>",
        version=version,
    )


def status_report(
    rest: str = "", *, group: str = "", message: str = "m", version: str = "12"
) -> bytes:
    """A pain.002; group: what is said of the whole file."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}">'
        "<CstmrPmtStsRpt><GrpHdr><MsgId>bank-1</MsgId><CreDtTm>2026-11-18T10:00:00Z</CreDtTm>"
        f"</GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>{rest}"
        "</CstmrPmtStsRpt></Document>"
    ).encode()


def camt_053(
    lines: Sequence[Line],
    version: str = "08",
    *,
    account: str = OURS,
    opening_tiyn: int = 10_000_000_00,
    encoding: str = "UTF-8",
    extra: str = "",
) -> bytes:
    """A statement of an account; lines that are refused say nothing on it, as in a bank."""
    stated = [one for one in lines if one.said != "refused"]
    entries = "".join(_entry(n, one, version) for n, one in enumerate(stated, start=1)) + extra
    booked = sum(
        one.tiyn * (-1 if one.said == "settled" else 1) for one in stated if one.said != "pending"
    )
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">\n'
        "<BkToCstmrStmt><GrpHdr><MsgId>bank-2</MsgId><CreDtTm>2026-11-18T18:00:00Z</CreDtTm>"
        "</GrpHdr><Stmt><Id>s-1</Id><CreDtTm>2026-11-18T18:00:00Z</CreDtTm>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>KZT</Ccy><Nm>Білім бөлімі</Nm></Acct>"
        f"{_balance('OPBD', opening_tiyn)}{_balance('CLBD', opening_tiyn + booked)}"
        f"{'' if extra else _summary(stated)}{entries}</Stmt></BkToCstmrStmt></Document>\n"
    )
    return text.encode(encoding, "xmlcharrefreplace")


def _summary(stated: Sequence[Line]) -> str:
    total = tenge(sum(one.tiyn for one in stated))
    return (
        f"<TxsSummry><TtlNtries><NbOfNtries>{len(stated)}</NbOfNtries><Sum>{total}</Sum>"
        "</TtlNtries></TxsSummry>"
    )


def _balance(kind: str, tiyn: int) -> str:
    sign = "CRDT" if tiyn >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="KZT">{tenge(abs(tiyn))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        "<Dt><Dt>2026-11-18</Dt></Dt></Bal>"
    )


def _entry(number: int, one: Line, version: str) -> str:
    sign = "CRDT" if one.said == "returned" else "DBIT"
    status = "PDNG" if one.said == "pending" else "BOOK"
    status = status if version == "02" else f"<Cd>{status}</Cd>"
    reference = one.reference or f"B{number:04d}"
    detail = ""
    if one.name:
        back = f"<RtrInf><Rsn><Cd>{one.reason}</Cd></Rsn></RtrInf>" if one.reason else ""
        sums = (
            f'<AmtDtls><TxAmt><Amt Ccy="KZT">{tenge(one.tiyn)}</Amt></TxAmt></AmtDtls>'
            if version == "02"
            else f'<Amt Ccy="KZT">{tenge(one.tiyn)}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        )
        detail = (
            f"<NtryDtls><TxDtls><Refs><EndToEndId>{escape(one.name)}</EndToEndId></Refs>"
            f"{sums}{back}</TxDtls></NtryDtls>"
        )
    return (
        f'<Ntry><Amt Ccy="KZT">{tenge(one.tiyn)}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Sts>{status}</Sts><BookgDt><Dt>2026-11-18</Dt></BookgDt>"
        f"<AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>{detail}</Ntry>"
    )


def _why(reason: str) -> str:
    return f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
