"""Make vectors.json: examples by which any vendor checks a tablet against format v1.

    python -m tests.attendance.make_vectors

Uses nothing of chalicelib: the vectors follow from docs/check-in-format.md, keys from fixed seeds.
"""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import rfc8785

from tests.attendance.tablets import FIRST_PREV, Tablet, b64

HERE = Path(__file__).parent
EXTENSION = {
    "battery": 71,
    "топ": "Балапан \U0001f423",
    "€": [1, -2, None, True, {}],
    "\r": '\n\t"\\',
}


def record_cases() -> list[dict[str, Any]]:
    """Return records with what a verifier must say of their form and signature."""
    tablet = Tablet(seed=42)
    good = [
        ("arrival", tablet.sign("2026-09-01T08:03:12+05:00")),
        (
            "departure-by-pin-with-adult",
            tablet.sign("2026-09-01T18:01:00.250+05:00", kind="out", way="pin", adult="adult-0001"),
        ),
        ("absence", tablet.sign("2026-09-02T04:30:00Z", kind="absence", reason="S")),
        ("guessed-departure", tablet.sign("2026-09-03T19:00:00+05:00", kind="out", guessed=True)),
        (
            "extension-in-kazakh",
            tablet.sign(
                "2026-09-04T08:00:00+05:00",
                way="qr",
                ext={
                    "battery": 71,
                    "топ": "Балапан \U0001f423",
                    "€": [1, -2, None, True, {}],
                    "\r": '\n\t"\\',
                },
            ),
        ),
        ("largest-integer", tablet.sign("2026-09-05T08:00:00+05:00", ext={"n": 2**53 - 1})),
    ]
    cases = [{"name": name, "record": record, "verdict": "good"} for name, record in good]
    first = good[0][1]

    def changed(name: str, verdict: str, resign: bool, **changes: Any) -> None:
        record = copy.deepcopy(first)
        for key, value in changes.items():
            if value is DROP:
                record.pop(key)
            else:
                record[key] = value
        if resign:
            record = tablet.signed(record)
        cases.append({"name": name, "record": record, "verdict": verdict})

    malformed = "malformed"
    changed("unknown-field", malformed, True, note="x")
    changed("version-2", malformed, True, v=2)
    changed("version-as-text", malformed, True, v="1")
    changed("another-algorithm", malformed, True, alg="EdDSA")
    changed("counter-zero", malformed, True, counter=0)
    changed("counter-too-large", malformed, True, counter=2**24)
    changed("counter-as-fraction", malformed, True, counter=1.5)
    changed("naive-instant", malformed, True, at="2026-09-01T08:03:12")
    changed("no-such-day", malformed, True, at="2026-02-30T08:03:12+05:00")
    changed("microseconds", malformed, True, at="2026-09-01T08:03:12.123456+05:00")
    changed("arabic-digits", malformed, True, at="٢٠٢٦-09-01T08:03:12+05:00")
    changed("reason-without-absence", malformed, True, reason="S")
    changed("absence-without-reason", malformed, True, kind="absence")
    changed("unknown-reason", malformed, True, kind="absence", reason="H")
    changed("absence-with-adult", malformed, True, kind="absence", reason="S", adult="adult-0001")
    changed("guessed-false", malformed, True, guessed=False)
    changed("fraction-in-ext", malformed, True, ext={"x": 0.5})
    changed("ext-not-an-object", malformed, True, ext=[1])
    changed("prev-too-short", malformed, True, prev="A" * 42)
    changed("prev-with-stray-bits", malformed, True, prev="A" * 42 + "B")
    changed("no-way", malformed, True, way=DROP)
    changed("other-enrolment-not-signed", "bad-signature", False, enrolment="enrolment-02")
    changed("earlier-not-signed", "bad-signature", False, at="2026-09-01T08:03:11+05:00")
    changed("extension-not-signed", "bad-signature", False, ext={})
    flipped = "B" if first["sig"][0] == "A" else "A"
    changed("signature-changed", "bad-signature", False, sig=flipped + first["sig"][1:])
    stray = first["sig"][:-1] + chr(ord(first["sig"][-1]) + 1)
    changed("signature-with-stray-bits", malformed, False, sig=stray)
    for case in cases:
        if case["verdict"] != malformed:
            bare = {k: v for k, v in case["record"].items() if k != "sig"}
            case["signed"] = rfc8785.dumps(bare).decode()
            case["hash"] = b64(hashlib.sha256(rfc8785.dumps(case["record"])).digest())
    return cases


def canonical_cases() -> list[dict[str, Any]]:
    values: list[Any] = [
        {"b": 1, "a": 2},
        {
            "€": "euro",
            "\r": "return",
            "דּ": "hebrew",
            "1": "one",
            "\U0001f600": "smile",
            "\x80": "c",
            "ö": "o",
        },
        ['\x00\x1f\x7f\u2028"\\/', -0, -1, 2**53 - 1, -(2**53) + 1, True, False, None],
        {"": {"nested": [[], {}]}},
    ]
    return [{"value": value, "text": rfc8785.dumps(value).decode()} for value in values]


def pairing_case() -> dict[str, str]:
    tablet = Tablet(seed=42)
    return {
        "public_key": b64(tablet.public),
        "device_id": tablet.device_id,
        "code": "ABCD-2345",
        "text": f"kezek-pair-v1|{tablet.device_id}|ABCD2345",
        "proof": tablet.proof("ABCD-2345"),
    }


DROP = object()


def vectors() -> str:
    made = {
        "format": "kezek check-in record v1",
        "first_prev": FIRST_PREV,
        "pairing": pairing_case(),
        "canonical": canonical_cases(),
        "records": record_cases(),
    }
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    (HERE / "vectors.json").write_text(vectors(), "utf-8")
