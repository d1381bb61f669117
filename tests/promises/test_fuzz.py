"""Whatever is sent with a valid token, the answer is no bug of ours: never a 5xx.

Seeded: the same inputs every time. Each operation that changes something is tried in the state in
which it is first reached; reading ones at the end of the year.
"""

from __future__ import annotations

import copy
import random
import re
from typing import Any
from urllib.parse import quote

import msgspec

from chalicelib.access import actions as access
from chalicelib.edge.routes import Operation
from infra.local.testing import Said
from tests.canaries import WATCH
from tests.offered import OPERATIONS
from tests.promises.rewind import Kept
from tests.promises.script import Act, City

_TRIES = 20
_DEEP: Any = 1
for _ in range(60):
    _DEEP = [_DEEP]
_HOSTILE: list[Any] = [
    None, True, 0, -1, 1 << 63, 1 << 70, 1e308, 0.1, "", " ", "\x00", "\ud83d\ude00" * 50,
    "x" * 70_000, "=cmd|' /C calc'!A0", "'; DROP TABLE", "../../etc/passwd", "{facts}", "{0.x}",
    "%00", "%2e%2e%2f", "\u202eабв",
    "\ud800", "Ана\udfffсы тіл", "12345678\udead",
    "é" * 64, "Ａ", "٠١٢٣٤٥٦٧٨٩٠١", "2026-13-01", "2026-02-30",
    "0001-01-01", "9999-12-31", "2026-07-20", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-07-20T10:00:00", "application-0", "site-0000",
    "group-0001", "preschool", "taldykorgan", "astana", "*", [], {}, [None], {"": ""}, [[]],
    {"a": {"b": [1, 2, {"c": None}]}}, _DEEP, ["x"] * 600, "\n", "a\n", "-" * 64, "_id_id_id",
    "\ufeff", float("nan"), float("inf"), "sport", "clubs", "karaganda", "any", "-0", "90,180",
    "nan,nan", "inf,-inf", "999,999", "49.8,73.1", "-90.000000001,0", "0x10,1e5", "24:00", "7",
    "20260903T1600", "99991231T2359", "2026-09", {"lat": float("nan"), "lon": 1e308},
]  # fmt: skip
_PATHS = [
    "x", "nonexistent-9", "a%2Fb", "%D0%B0%D0%B1%D0%B2%D0%B3%D0%B4%D0%B5%D0%B6%D0%B7", "..", "%00",
    "%FF%FE", "x" * 2000, "2026-09", "2026-99", "0000-00", "9999-12", "0001-01", "2026-Q5",
    "2026-Q1", "9999-12-31", "0001-01-01", "2026-02-30", "preschool", "%25%25", "-1",
    "99999999999999999999", "%F0%9F%98%80aaaaaaaa", "A" * 64, "A" * 65, "%0A", "abcdefgh%0A",
    "%D9%A2%D9%A0%D9%A2%D9%A6-%D9%A0%D9%A9", "20260903T1600", "20260903T1601", "99991231T2359",
    "00010101T0000", "20260230T1600", "20260903T2460", "20260903T16", "clubs", "karaganda",
]  # fmt: skip
# The same may be sent as a complaint's words and as a group's id, which a refusal repeats.
WATCH.of_nobody.update(word for word in (*_HOSTILE, *_PATHS) if isinstance(word, str))


class Fuzzer:
    def __init__(self) -> None:
        self.dice = random.Random(20260720)
        self.broken: list[str] = []

    def __call__(self, city: City, act: Act) -> Said:
        kept = Kept(city.cloud.tables)
        for _ in range(_TRIES):
            wild = Act(act.who, act.method, self._path(act), self._body(act.body), act.headers)
            said = city.send(wild)
            if said.status >= 500 and said.code != "kezek/store-silent":
                shown = repr(wild.body)[:300]
                self.broken.append(f"{act.method} {wild.path[:200]} {shown}: {said.text[:200]}")
        kept.put_back()
        return city.send(act)

    def _path(self, act: Act) -> str:
        if self.dice.random() < 0.7:
            return act.path
        names, parts = act.operation.path.split("/"), act.path.split("/")
        open_ = [n for n, name in enumerate(names) if name.startswith("{")]
        if open_:
            parts[self.dice.choice(open_)] = self.dice.choice(_PATHS)
        return "/".join(parts)

    def _body(self, body: Any) -> Any:
        if isinstance(body, bytes):
            return self._bytes(body)
        draw = self.dice.random()
        if body is None or draw < 0.05:
            return self.dice.choice(_HOSTILE)
        if draw < 0.1:
            return self._bytes(msgspec.json.encode(body))
        wild = copy.deepcopy(body)
        for _ in range(self.dice.choice((1, 1, 1, 2, 3))):
            self._spoil(wild)
        return wild

    def _spoil(self, value: Any) -> None:
        """Put something hostile in the place of one field, however deep."""
        while True:
            keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
            if not keys:
                return
            key = self.dice.choice(keys)
            inner = value[key]
            if isinstance(inner, dict | list) and inner and self.dice.random() < 0.7:
                value = inner
                continue
            break
        draw = self.dice.random()
        if draw < 0.1 and isinstance(value, dict):
            del value[key]
        elif draw < 0.2 and isinstance(value, dict):
            value["more"] = self.dice.choice(_HOSTILE)
        elif draw < 0.3 and isinstance(value, list):
            value.append(copy.deepcopy(inner))
        else:
            value[key] = copy.deepcopy(self.dice.choice(_HOSTILE))

    def _bytes(self, raw: bytes) -> bytes:
        cut = self.dice.randrange(len(raw) + 1)
        return self.dice.choice(
            [raw[:cut], raw[:cut] + b"\xff\xfe" + raw[cut:], raw * 2, b"[" * 100_000, b"NaN", b"{",
             raw[:cut] + bytes([self.dice.randrange(256)]) + raw[cut + 1 :], b"\xef\xbb\xbf" + raw]
        )  # fmt: skip

    # --- reading

    def read(self, city: City, operation: Operation) -> None:
        people = [
            city.operator, city.department, city.finance, city.heads[0], city.families[0],
            city.commission, city.person("auditor", "auditor-1"),
            city.person("educator", "educator-1", organisations=["organisation-0"]),
        ]  # fmt: skip
        allowed = {role.value for role in access.roles_of(operation.action)}
        fit: list[Any] = [p for p in people if p.role in allowed]
        if "device" in allowed:
            fit = [city.tablets[0]]
        known = {
            **city.here,
            "site_id": "site-0000", "application_id": "application-0", "run_id": "run-right",
            "month": "2026-09", "child_id": city.children[0], "group_id": "group-0000",
            "year": "2026", "organisation_id": "organisation-0", "answer_id": "answer-0001",
            "voucher_id": city.voucher(2)["voucher_id"], "intake_id": "intake-1",
            "direction": "sport", "near": "49.8047,73.1094", "within_m": "5000",
        }  # fmt: skip
        fields = (
            [f.name for f in msgspec.structs.fields(operation.query)] if operation.query else []
        )
        for _ in range(_TRIES):
            who = self.dice.choice(fit) if fit else None
            path = re.sub(
                r"\{(\w+)\}",
                lambda m: (
                    known.get(m[1], "nonexistent-9")
                    if self.dice.random() < 0.7
                    else self.dice.choice(_PATHS)
                ),
                operation.path,
            )
            query = {}
            for name in fields:
                if name in known and self.dice.random() < 0.85:
                    query[name] = known[name]
                elif self.dice.random() < 0.4:
                    query[name] = str(self.dice.choice(_HOSTILE))[:3000]
            asked = "&".join(f"{quote(k)}={quote(v, errors='replace')}" for k, v in query.items())
            token = who.token() if who else None
            said = city.cloud.get(path + (f"?{asked}" if asked else ""), token=token)
            if said.status >= 500:
                self.broken.append(f"GET {path[:200]} {asked[:300]}: {said.text[:200]}")


def test_c2_no_input_makes_a_bug(city: City) -> None:
    city.on_act = fuzzer = Fuzzer()

    city.play()
    for operation in OPERATIONS:
        if operation.method == "GET":
            fuzzer.read(city, operation)

    assert not fuzzer.broken, "\n".join(fuzzer.broken)
