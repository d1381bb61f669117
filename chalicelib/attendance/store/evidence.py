"""Evidence: uploads as they were signed, and what is wrong with a tablet's chain."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pynamodb.attributes import BinaryAttribute

from chalicelib.attendance.rules import SPAN_MAX, Gap, Link, Record, UploadTooLarge
from chalicelib.attendance.rules.health import FORKED
from chalicelib.attendance.store.updates import table_of
from chalicelib.kernel.ids import new_salt
from chalicelib.storage import keys
from chalicelib.storage.commit import Raced, commit
from chalicelib.storage.rows import AttendanceRow, JournalRow
from chalicelib.storage.shelf import Shelf


class EvidenceRow(JournalRow):
    """An upload: its signed records, compressed, line by line; the journal's entry of them.

    When their time is over only links stay, "counter hash prev" line by line, compressed, and
    attached: the SHA-256 of what the records were.
    """

    records = BinaryAttribute(legacy_encoding=False, null=True)
    links = BinaryAttribute(legacy_encoding=False, null=True)
    attached = BinaryAttribute(legacy_encoding=False, null=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an upload brought and what became of it.

    first, last: counters of the whole upload. members: enrolment → child. refused: hash → code.
    had: counters that an earlier upload brought. flags: counter, as text → flags. head_counter,
    head_hash: the end of the chain after it. place_before, skew_s, skew_before_s: where the tablet
    was before it, its clock minus ours now and then, in so far as its records or it said so.
    """

    device_id: str
    site_id: str
    received_at: str
    first: int
    last: int
    members: dict[str, str]
    refused: dict[str, str]
    had: tuple[int, ...] = ()
    flags: dict[str, tuple[str, ...]]
    gaps: tuple[Gap, ...] = ()
    head_counter: int
    head_hash: str
    place_before: str | None = None
    skew_s: int | None = None
    skew_before_s: int | None = None


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """An upload as it is stored; lines are canonical records with their signatures.

    links: counter → the chain's link, where the records themselves are kept no longer. digest: of
    its records, under which it lies.
    """

    value: Evidence
    lines: tuple[bytes, ...]
    links: Mapping[int, Link] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFlag:
    """Something wrong with a tablet's chain. kind: gap, fork or clone; first, last: counters."""

    device_id: str
    kind: str
    first: int
    last: int
    at: str


class EvidenceTaken(Raced):
    """This very upload is stored already."""


class FlagTaken(Raced):
    """This very flag is raised already."""


EVIDENCE: Shelf[Evidence] = Shelf(EvidenceRow, Evidence)
FLAGS: Shelf[DeviceFlag] = Shelf(AttendanceRow, DeviceFlag)
EVIDENCE_BYTES_MAX = 380_000
GAP = "gap"
_EVIDENCE = keys.evidence("", 0, "")[0]
_DECODER = msgspec.json.Decoder(Evidence)


def put_evidence(evidence: Evidence, digest: str, records: Iterable[Record]) -> None:
    """Store an upload for good, in one item. Raises EvidenceTaken when it is there already."""
    lines = b"\n".join(record.line for record in sorted(records, key=lambda r: r.counter))
    packed = zlib.compress(lines, 6)
    key = keys.evidence(evidence.device_id, evidence.last, digest)
    put = EVIDENCE.create(key, evidence, otherwise=EvidenceTaken(), records=packed, salt=new_salt())
    if len(packed) + len(put.row.body or "") > EVIDENCE_BYTES_MAX:
        raise UploadTooLarge()
    commit([put])


def find_evidence(device_id: str, last: int, digest: str) -> KeptEvidence | None:
    """Return the upload of exactly these records, if it was stored. One read."""
    pk, sk = keys.evidence(device_id, last, digest)
    item = table_of(EvidenceRow).get_item(pk, sk, consistent_read=True).get("Item")
    return None if item is None else _evidence(EvidenceRow.from_raw_data(item))


def list_evidence(device_id: str, first: int, last: int) -> list[KeptEvidence]:
    """Return the uploads that may hold counters from first to last, and the one before them.

    Two queries. An upload lies under its last counter and spans at most SPAN_MAX of them.
    """
    pk = keys.evidence(device_id, 0, "")[0]
    low, high = f"{first:012d}", f"{last + SPAN_MAX:012d}~"
    before = EvidenceRow.query(
        pk, EvidenceRow.sk < low, consistent_read=True, scan_index_forward=False, limit=1
    )
    around = EvidenceRow.query(pk, EvidenceRow.sk.between(low, high), consistent_read=True)
    return [_evidence(row) for rows in (before, around) for row in rows]


def each_evidence(device_id: str) -> Iterator[KeptEvidence]:
    """Yield all uploads of a tablet in the order of their last counters."""
    pk = keys.evidence(device_id, 0, "")[0]
    for row in EvidenceRow.query(pk, consistent_read=True):
        yield _evidence(row)


def each_evidence_since(device_id: str, since: str) -> Iterator[KeptEvidence]:
    """Yield the uploads of a tablet received at an instant or later, the newest counters first.

    They lie by counter, and a tablet sends its chain in order: one that was received before ends
    the search, unless a gap at or below it may have been filled since. One query; another for the
    gaps, once one that was received before is met.
    """
    pk = keys.evidence(device_id, 0, "")[0]
    lowest_gap: int | None = None
    for row in EvidenceRow.query(pk, consistent_read=True, scan_index_forward=False):
        kept = _evidence(row)
        if kept.value.received_at >= since:
            yield kept
            continue
        if lowest_gap is None:
            gaps = (flag.first for flag in list_flags(device_id) if flag.kind == GAP)
            lowest_gap = min(gaps, default=sys.maxsize)
        if kept.value.last < lowest_gap:
            return


def thin(device_id: str, kept: KeptEvidence, links: Mapping[int, Link]) -> bool:
    """Remove an upload's records for good, and keep their links; False where it was done before.

    The public log's leaf stays what it was: it was made of the records' digest.
    """
    packed = b"\n".join(kept.lines)
    told = "\n".join(f"{n} {link.hash} {link.prev or '-'}" for n, link in sorted(links.items()))
    pk, begins = keys.evidence(device_id, kept.value.last, "")
    for row in EvidenceRow.query(pk, EvidenceRow.sk.startswith(begins), consistent_read=True):
        held: bytes | None = row.records
        if held is not None and zlib.decompress(held) == packed:
            row.update(
                actions=[
                    EvidenceRow.records.remove(),
                    EvidenceRow.links.set(zlib.compress(told.encode(), 6)),
                    EvidenceRow.attached.set(hashlib.sha256(packed).digest()),
                ],
                condition=EvidenceRow.records.exists(),
                add_version_condition=False,
            )
            return True
    return False


def evidence_of_image(image: Mapping[str, Any]) -> tuple[str, KeptEvidence] | None:
    """Return an upload as the journal's stream shows it, and its digest; None for other rows.

    Lambda carries bytes as base64.
    """
    pk, sk = image["pk"]["S"], image["sk"]["S"]
    if not pk.startswith(_EVIDENCE):
        return None
    held = image.get("records", {}).get("B", b"")
    packed = base64.b64decode(held) if isinstance(held, str) else held
    value = _DECODER.decode(image["body"]["S"])
    lines = tuple(zlib.decompress(packed).split(b"\n")) if packed else ()
    return sk.partition("#")[2], KeptEvidence(value, lines)


def keep_flags(flags: Iterable[DeviceFlag], *, site_id: str) -> None:
    """Write what is wrong with a chain; the same flag again changes nothing.

    A fork or a copy makes the tablet suspect: that stands beside the site's tablets too, so that
    billing finds it with one query.
    """
    for flag in flags:
        places = [keys.device_flag(flag.device_id, flag.kind, flag.first)]
        if flag.kind in FORKED:
            places.append(keys.site_flag(site_id, flag.device_id, flag.kind, flag.first))
        for key in places:
            try:
                commit([FLAGS.create(key, flag, otherwise=FlagTaken())])
            except FlagTaken:
                continue


def list_flags(device_id: str) -> list[DeviceFlag]:
    """Return what was ever wrong with a tablet's chain, by kind and counter. One query."""
    pk, begins = keys.device_flag(device_id, "", 0)[0], "FLAG#"
    return [kept.value for kept in FLAGS.each(pk, begins=begins)]


def _evidence(row: Any) -> KeptEvidence:
    value, digest = EVIDENCE.kept(row).value, row.sk.partition("#")[2]
    if row.records is None:
        told = zlib.decompress(row.links).decode() if row.links else ""
        links = dict(_link(line) for line in told.splitlines())
        return KeptEvidence(value, (), links, digest)
    lines = zlib.decompress(row.records)
    return KeptEvidence(value, tuple(lines.split(b"\n")) if lines else (), digest=digest)


def _link(line: str) -> tuple[int, Link]:
    counter, hash_, prev = line.split(" ")
    return int(counter), Link(hash_, None if prev == "-" else prev)


def line_values(line: bytes) -> Any:
    """Return the plain values of a stored record."""
    return json.loads(line)
