"""Who looked: whatever staff is shown of a child stands, a moment later, in the family's list.

The city's year is played; then staff of every role read every operation that shows them anything.
No answer may hold an id of a child's thing (the child's own, its ticket, application, voucher,
place, complaint, erasure) without a row that says who looked, why, and at what. Operations that
need none stand in looks_exempt.toml, each with its reason; one that needs none in truth fails.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from chalicelib.access import actions as access
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.periods import stamp
from chalicelib.queue import actions as queue
from infra.local.testing import Said, TestCloud
from tests.access.people import parent, register_child
from tests.access.test_consents_routes import on_behalf, opened
from tests.offered import OPERATIONS
from tests.promises import script_clubs
from tests.promises.rewind import rows_of
from tests.promises.script import Act, City
from tests.promises.script_clubs import ONLY_HERE
from tests.promises.test_b1 import _CLUBS_ONLY as CLUBS_ONLY
from tests.promises.test_b1 import Read, Reading
from tests.promises.test_b2 import STAFF

EXEMPT = tomllib.loads(Path(__file__).with_name("looks_exempt.toml").read_text("utf-8"))
# Fields of rows that hold a name of a child's thing.
_NAMES = ("application_id", "voucher_id", "enrolment_id", "ticket", "complaint_id", "erasure_id")
_KINDS = {f"looks/field/{word}" for word in access.seeing().kinds.values()}
_LONG = 8


def staff_reads() -> dict[str, frozenset[Role]]:
    """Return every reading that staff reach and not everybody: by name, with the staff's roles."""
    found = {}
    for operation in OPERATIONS:
        roles = access.row(operation.action).roles
        if operation.method == "GET" and roles & STAFF and Role.PUBLIC not in roles:
            found[f"{operation.method} {operation.path}"] = roles & STAFF
    return found


def owners(city: City) -> dict[str, str]:
    """Return every name of a child's thing that stands in any row, and whose it is."""
    found: dict[str, str] = {}
    for _, row in rows_of(city.cloud.tables):
        body = row.get("body", {}).get("S", "")
        if not body.startswith("{"):
            continue
        said = json.loads(body)
        child_id = said.get("child_id")
        if not child_id:
            continue
        found[child_id] = child_id
        for name in _NAMES:
            value = said.get(name)
            if isinstance(value, str) and len(value) >= _LONG:
                found[value] = child_id
    return found


@dataclass
class Watch:
    """What staff was shown, held against what was recorded."""

    city: City
    broken: list[str] = field(default_factory=list)
    needed: set[str] = field(default_factory=set)

    def judge(self, action: str, name: str, role: str, said: Said, *, sent: str = "") -> None:
        """Hold an answer to the looks of this minute. sent: what the caller named, as text."""
        if said.status >= 300:
            return
        text = said.text if isinstance(said.text, str) else ""
        known = owners(self.city)
        words = set(re.findall(r"[A-Za-z0-9][A-Za-z0-9_-]{7,}", text))
        shown = {known[word] for word in words & known.keys() if word not in sent}
        if not shown:
            return
        self.needed.add(action)
        if action in EXEMPT["shows"]:
            return
        recorded = self._recorded(action, role)
        missing = sorted(shown - recorded)
        if missing:
            what = sorted(word for word in words & known.keys() if known[word] in missing)
            self.broken.append(f"{name}: {role} sees {what[:4]} of {missing[:3]} without a look")

    def _recorded(self, action: str, role: str) -> set[str]:
        """Return the children at whom this role looked now, as their family is shown it."""
        now = stamp(self.city.cloud.clock())[:16]
        found: set[str] = set()
        for table, row in rows_of(self.city.cloud.tables):
            pk = row["pk"]["S"]
            by_child = pk.startswith("LOOKS#")
            # A tablet's looks stand by tablet and day alone.
            if table != "looks" or not (by_child or (role == "device" and pk.startswith("LOOKER"))):
                continue
            look = json.loads(row["body"]["S"])
            if look["action"] != action or role not in look["roles"]:
                continue
            if by_child and look["at"][:16] != now:
                continue
            said = [f"looks/field/{word}" for word in look["fields"]]
            if not (look["subject"] and look["purpose"] and said and set(said) <= _KINDS):
                self.broken.append(f"{action}: says not who, why and what: {look}")
            found |= {pk.removeprefix("LOOKS#")} if by_child else set(look["children"])
        return found


class StaffReading(Reading):
    """Staff of each role reads what is its own, as it does every day."""

    def __init__(self, city: City) -> None:
        super().__init__(city)
        self.watch = Watch(city)
        self.read: set[tuple[str, str]] = set()

    def _own(self, name: str, read: Read, role: str) -> None:
        if role not in STAFF:
            return
        self._judged(name, read, role)

    def _anybody(self, name: str, read: Read, role: str) -> None:
        pass

    def _foreign(self, name: str, read: Read, role: str, ways: set[str]) -> None:
        pass

    def _wrong(self, name: str, read: Read, role: str) -> None:
        pass

    def _judged(self, name: str, read: Read, role: str) -> None:
        operation = next(o for o in OPERATIONS if f"{o.method} {o.path}" == name)
        said = self.get(read, self._whose(read, role))
        if said.status < 300:
            self.read.add((name, role))
        path = read.path.format(**self.facts)
        self.watch.judge(operation.action, name, role, said, sent=path if "_id}" in name else "")

    def more(self) -> None:
        """Read what the matrix leaves to others: complaints, erasures, entries of the record."""
        extra = {
            "GET /v1/complaints/{complaint_id}": ["/v1/complaints/complaint-about"],
            "GET /v1/rights/erasures/{erasure_id}": [f"/v1/rights/erasures/{_ERASURE}"],
            "GET /v1/record/entries": ["/v1/record/entries"],
            "GET /v1/record/entries/{number}": [
                f"/v1/record/entries/{n}" for n in range(0, 400, 7)
            ],
            "GET /v1/signals/{signal_id}": [f"/v1/signals/{one}" for one in self._signals()],
            "GET /v1/signals/{signal_id}/package": [
                f"/v1/signals/{one}/package" for one in self._signals()
            ],
        }
        roles = staff_reads()
        for name, paths in extra.items():
            for path in paths:
                query = (
                    {"stream": f"child/{self.facts['child']}"} if path.endswith("entries") else {}
                )
                for role in roles[name]:
                    why = {"kezek-purpose": "integrity"} if path.endswith("/package") else {}
                    self._judged(name, Read(path, query, why), str(role.value))

    def _signals(self) -> list[str]:
        """Return a signal or two of the played year; clubs have none."""
        asked = {**self.city.here, "which": "all"}
        listed = self.city.department.get("/v1/signals", query=asked)["signals"]
        return [one["signal_id"] for one in listed[:2]]


_ERASURE = "erasure-canary"


def prepared(city: City) -> None:
    """Leave things about a child that wait for staff: a complaint, proposals of each kind."""
    about = {"kind": "child", "id": ""}
    family = 3 if isinstance(city, script_clubs.ClubsCity) else 4
    about = {"kind": "application", "id": f"application-{family}"}
    body = {"about": about, "topic": "queue", "text": "Неге?", "contact": "+77015554440"}
    said = city.cloud.put(
        "/v1/complaints/complaint-about", body, token=city.families[family].token()
    )
    assert said.status == 200, said.text
    voucher = city.families[family].get(f"/v1/applications/application-{family}")["voucher_id"]
    for path, asked in (
        (f"/v1/children/{city.children[family]}/identity", {"given_name": "Сапфирбек"}),
        (f"/v1/vouchers/{voucher}/cancellation", {"reason_code": "forged-papers", "act": "№ 1"}),
    ):
        proposed = city.cloud.put(path, asked, token=city.other_officer.token())
        assert proposed.status == 202, proposed.text
    city.cloud.drain()


def test_every_exemption_says_why() -> None:
    for part in EXEMPT.values():
        for name, why in part.items():
            assert len(why) > 20, name
    actions = {o.action for o in OPERATIONS}
    assert EXEMPT["shows"].keys() <= actions
    assert EXEMPT["unread"].keys() <= {
        f"{name} {role.value}" for name, roles in staff_reads().items() for role in roles
    }


def test_what_staff_is_shown_of_a_child_is_recorded_and_shown(city: City) -> None:
    changes = Watch(city)

    def on_act(city: City, act: Act) -> Said:
        said = city.send(act)
        role = getattr(act.who, "role", "device" if act.who is not None else "public")
        if role in set(STAFF):
            sent = f"{act.path} {json.dumps(act.body, default=str)}"
            changes.judge(act.operation.action, act.name, role, said, sent=sent)
        return said

    city.on_act = on_act
    city.play()
    prepared(city)
    reading = StaffReading(city)
    reading.all()
    reading.more()

    assert not changes.broken + reading.watch.broken, "\n".join(
        changes.broken + reading.watch.broken
    )
    clubs = isinstance(city, script_clubs.ClubsCity)
    here = {o.action for o in OPERATIONS if (f"{o.method} {o.path}" in ONLY_HERE) == clubs}
    needed = changes.needed | reading.watch.needed
    assert EXEMPT["shows"].keys() & here <= needed, "exempt, and shows nothing of a child"
    if not clubs:
        wanted = {f"{name} {role.value}" for name, roles in staff_reads().items() for role in roles}
        unread = {
            one
            for one in wanted
            if tuple(one.rsplit(" ", 1)) not in reading.read
            and one.rsplit(" ", 1)[0] not in CLUBS_ONLY
        }
        assert unread == set(EXEMPT["unread"]), sorted(unread ^ set(EXEMPT["unread"]))


def published(cloud: TestCloud, run_id: str) -> None:
    """Let a run decide the queue, and publish what proves it and the order it left."""
    now, by = cloud.clock(), system("test")
    queue.propose(run_id, programme="preschool", area="taldykorgan", by=by, now=now)
    second = Actor("operator-2", frozenset({Role.OPERATOR}), areas=frozenset({"taldykorgan"}))
    queue.release(run_id, by=second, now=now)
    while queue.commit_part(run_id, by=by, now=now, most=25):
        pass
    queue.prove(run_id, by=by, now=now)
    queue.publish(f"after-{run_id}", programme="preschool", area="taldykorgan", by=by, now=now)


def test_what_a_clerk_is_shown_for_a_family_is_recorded(cloud: TestCloud) -> None:
    token = opened(cloud, family := parent(cloud))
    child_id = register_child(cloud, family)
    watch = Watch(SimpleNamespace(cloud=cloud))  # type: ignore[arg-type]
    under = access.table().consent["see"]
    listed = cloud.get("/v1/applications", token=family).json["items"]
    application_id = listed[0]["application_id"]
    names = {
        "{child_id}": child_id,
        "{application_id}": application_id,
        "/runs/{run_id}/leaf": f"/runs/run-of-morning/leaf?application_id={application_id}",
    }
    published(cloud, "run-of-morning")
    read = set()
    for operation in OPERATIONS:
        if operation.method != "GET" or operation.action not in under:
            continue
        path = operation.path
        for name, value in names.items():
            path = path.replace(name, value)
        said = on_behalf(cloud, token, "GET", path)
        if said.status == 200:
            read.add(operation.action)
        watch.judge(
            operation.action, operation.path, "clerk", said, sent=path if "{" in path else ""
        )

    assert not watch.broken
    # There is no voucher yet; vouchers/list shows none.
    assert read == set(under) - {"vouchers/see"}
    assert watch.needed >= {"queue/see-place", "applications/see", "children/see"}
    # Signed texts name a ticket; so does what a family is told of its place.
    signed = {"applications/see-receipt", "queue/prove-place", "queue/open-leaf"}
    assert watch.needed >= signed
