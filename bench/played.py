"""A kindergarten month played in full, through the very doors that Lambda has, and what it used.

Providers with their children stand in the tables before it begins; from then on everything is done
by requests of tablets, families, heads and officers, by schedules, the work queue and the streams.
Each invocation of a function is metered by itself: round trips, capacity units as the engine
reports them, processor time of the handler alone (making tokens and signing records is not Kezek's
work).

    with played.a_cloud() as cloud:
        month = Played(cloud, sizes=[25, 25])
        month.play()
        month.meter.uses[step, function] -> Use
"""

from __future__ import annotations

import base64
import functools
import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench import cities
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month, stamp
from infra.local import dispatch, faults, testing
from infra.local.testing import TestCloud
from tests.attendance.tablets import Tablet

GROUP = 25
PROGRAMME, AREA = "preschool", "taldykorgan"
STARTED = date(2025, 9, 1)
API = "app"
# What the doors call: the application for a request, and this for everything else.
_CALL, _INVOKE = "__call__", "invoke"
# What is done of each month, in this order; `play` does all of them.
STEPS = (
    "rosters",
    "uploads",
    "daily looks",
    "closing",
    "approval",
    "billing",
    "claims",
    "payment",
)
# What looks at everything once a day, whether or not anything happened.
CHECKS = ("run_signals", "run_self_audit", "run_ledger", "run_clock", "run_watch")


@dataclass(slots=True)
class Use:
    """What the invocations of one function used."""

    invocations: int = 0
    cpu_s: float = 0.0
    calls: int = 0
    other_calls: int = 0
    read: float = 0.0
    written: float = 0.0

    def add(self, other: Use, times: float = 1) -> None:
        for each in fields(self):
            name = each.name
            setattr(self, name, getattr(self, name) + getattr(other, name) * times)

    def as_row(self) -> dict[str, float]:
        """Return the figures by name."""
        return {each.name: round(getattr(self, each.name), 6) for each in fields(self)}


class Meter:
    """Meters every invocation while it is on, by the step under way and the function's name."""

    def __init__(self) -> None:
        self.uses: dict[tuple[str, str], Use] = {}
        self.step = "-"
        self.wrote: Counter[tuple[str, str]] = Counter()
        self.heat = False

    @contextmanager
    def on(self) -> Iterator[Meter]:
        """Put the meter between the doors and the application."""
        from chalicelib.edge.application import Kezek

        asked, invoked = Kezek.__call__, getattr(dispatch, _INVOKE)

        def answer(app: Any, event: dict[str, Any], context: Any) -> Any:
            with self._metered(API):
                return asked(app, event, context)

        def invoke(name: str, *given: Any) -> Any:
            with self._metered(name):
                return invoked(name, *given)

        setattr(Kezek, _CALL, answer)
        setattr(dispatch, _INVOKE, invoke)
        try:
            yield self
        finally:
            setattr(Kezek, _CALL, asked)
            setattr(dispatch, _INVOKE, invoked)

    @contextmanager
    def _metered(self, function: str) -> Iterator[None]:
        began = time.process_time()
        with faults.watch() as seen:
            yield
        use = self.uses.setdefault((self.step, function), Use())
        services = Counter(call.service for call in seen.calls)
        dynamodb = services.pop("dynamodb", 0)
        read, written = seen.units
        use.add(Use(1, time.process_time() - began, dynamodb, services.total(), read, written))
        if self.heat:
            self.wrote.update(key for call in seen.calls for key in call.keys)

    def of(self, step: str | None = None, function: str | None = None) -> Use:
        """Return what a step, a function, or both used together."""
        total = Use()
        for (of_step, of_function), use in self.uses.items():
            if step in (None, of_step) and function in (None, of_function):
                total.add(use)
        return total


@contextmanager
def a_cloud() -> Iterator[TestCloud]:
    """Give a cloud of its own on empty tables."""
    testing.prepare_process()
    with tempfile.TemporaryDirectory(prefix="kezek-bench-") as name:
        folder = Path(name)
        with testing.running_engine(folder) as engine:
            tables = testing.TestTables(engine)
            services = testing.TestServices(folder)
            try:
                from app import app

                with testing.in_process(app, services, tables) as cloud:
                    yield cloud
            finally:
                services.close()


# --- who there is -------------------------------------------------------------------------------


def an_id(*of: object) -> str:
    """Return an id as long as real ones, always the same for the same thing."""
    digest = hashlib.sha256("/".join(map(str, of)).encode()).digest()[:16]
    return base64.b32encode(digest).decode().rstrip("=").lower()


@dataclass(slots=True)
class Kid:
    """A child with its family."""

    child_id: str
    person_id: str
    enrolment_id: str
    group_id: str
    subject: str


class Quick(Tablet):
    """A tablet whose key is made once; the tests' own makes it for each record."""

    @functools.cached_property
    def key(self) -> Any:
        """Return the private key."""
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"%d" % self.seed).digest())


@dataclass(slots=True)
class Provider:
    """A kindergarten: one site of one organisation, a tablet to each group."""

    number: int
    organisation_id: str
    site_id: str
    kids: list[Kid]
    tablets: dict[str, Any] = field(default_factory=dict)

    @property
    def groups(self) -> dict[str, list[Kid]]:
        """Return the children by group."""
        found: dict[str, list[Kid]] = {}
        for kid in self.kids:
            found.setdefault(kid.group_id, []).append(kid)
        return found


def providers_of(sizes: Sequence[int], *, first: int = 0) -> list[Provider]:
    """Return invented kindergartens with so many children each."""
    made = []
    for number, size in enumerate(sizes, start=first):
        kids = [
            Kid(
                child_id=an_id("child", number, n),
                person_id=an_id("person", number, n),
                enrolment_id=an_id("enrolment", number, n),
                group_id=an_id("group", number, n // GROUP),
                subject=f"family-{number}-{n}",
            )
            for n in range(size)
        ]
        made.append(Provider(number, an_id("org", number), an_id("site", number), kids))
    return made


def settle(cloud: TestCloud, providers: Sequence[Provider], *, families: bool = True) -> int:
    """Put providers, children and families into the tables' file; return how many rows."""
    database = cloud.tables.engine.engine.database
    if database is None:
        raise RuntimeError("dynoxide's file is needed")
    rows = (write for one in providers for write in _rows(one, families=families))
    return cities._put(database, rows)


def _rows(provider: Provider, *, families: bool) -> Iterator[Any]:
    from chalicelib.providers import store as providers
    from chalicelib.providers.rules import Organisation, Site, SiteState
    from chalicelib.storage import keys, vault
    from chalicelib.storage.secrets import number_digests
    from chalicelib.vouchers import store as vouchers
    from chalicelib.vouchers.rules import Member, Roster

    organisation = Organisation(
        organisation_id=provider.organisation_id,
        name=f"Kindergarten {provider.number}",
        form="private",
        account="confirmed",
        created_at="2025-01-01T00:00:00.000000Z",
    )
    # The digests of these numbers claim uniqueness; nobody reads the numbers themselves here.
    identity = {
        "payee": f"ТОО Балабақша {provider.number}",
        "bin": f"{provider.number:012d}",
        "account": "KZ3807010KSN01010001",
        "bank": "KKMFKZ2A",
        "contact": "+77010000000",
    }
    yield from providers.create_organisation(
        organisation, number_digests("bin", identity["bin"]), otherwise=_never()
    )
    yield from vault.seal(f"ORG#{provider.organisation_id}", identity)
    yield from providers.create_site(
        Site(
            site_id=provider.site_id,
            organisation_id=provider.organisation_id,
            programme=PROGRAMME,
            area=AREA,
            name=f"Балабақша {provider.number}",
            address="Абай көшесі, 1",
            locality="urban",
            form="private",
            state=SiteState.LISTED,
            listed_from=date(2025, 1, 1),
            valid_to=date(2027, 12, 31),
        )
    )
    for group_id, kids in provider.groups.items():
        members = tuple(
            Member(k.enrolment_id, k.child_id, STARTED, None, sort="general/10.5/urban")
            for k in kids
        )
        key = keys.roster(provider.site_id, group_id)
        yield vouchers.ROSTERS.create(key, Roster(provider.site_id, group_id, members))
    for kid in provider.kids:
        yield from _child(provider, kid, families=families)


def _child(provider: Provider, kid: Kid, *, families: bool) -> Iterator[Any]:
    from chalicelib.children import store as children
    from chalicelib.children.rules import Alias, Person, Relation
    from chalicelib.edge.auth import subject_name
    from chalicelib.storage import keys
    from chalicelib.vouchers import store as vouchers
    from chalicelib.vouchers.rules import Enrolment
    from chalicelib.vouchers.rules.values import Stay, Stays
    from infra.local import issuer

    voucher_id = an_id("voucher", kid.enrolment_id)
    yield vouchers.create_enrolment(
        Enrolment(
            enrolment_id=kid.enrolment_id,
            voucher_id=voucher_id,
            child_id=kid.child_id,
            person_id=kid.person_id,
            programme=PROGRAMME,
            area=AREA,
            organisation_id=provider.organisation_id,
            site_id=provider.site_id,
            group_id=kid.group_id,
            kind="general",
            hours="10.5",
            locality="urban",
            starts_on=STARTED,
            ends_on=None,
        )
    )
    stay = Stay(kid.enrolment_id, voucher_id, provider.site_id, kid.group_id, STARTED, None)
    yield vouchers.STAYS.create(keys.stays(kid.child_id, PROGRAMME), Stays((stay,)))
    if not families:
        return
    subject = subject_name(issuer.NAME, kid.subject)
    yield children.ALIASES.create(keys.alias(subject), Alias(person_id=kid.person_id))
    yield children.PERSONS.create(
        keys.person(kid.person_id),
        Person(
            person_id=kid.person_id,
            subject=subject,
            language="kk",
            created_at="2025-08-01T04:00:00.000000Z",
            asked="",
            identity="",
        ),
    )
    yield from children.create_relation(
        Relation(
            child_id=kid.child_id,
            person_id=kid.person_id,
            powers=("apply", "choose", "confirm", "withdraw"),
            valid_from=STARTED,
            valid_to=None,
            basis="birth-record",
        )
    )
    yield from children.seal_child(
        kid.child_id, {"surname": "Жұмабаева", "given_name": "Айша", "birth_date": "2022-03-14"}
    )
    contact = {"surname": "Жұмабаева", "given_name": "Әлия", "contact_1": "phone:+77010000000"}
    yield from children.seal_person(kid.person_id, contact)


def _never() -> Any:
    from chalicelib.storage.commit import Raced

    return Raced()


def filled(provider: Provider, month: Month, days: Sequence[date]) -> Iterator[Any]:
    """Describe a month in which all were there but on a day or two, and which is approved."""
    from chalicelib.attendance.rules import Sheet
    from chalicelib.attendance.rules.marks import ABSENCE_KINDS, IN, OUT
    from chalicelib.attendance.store import sheets
    from chalicelib.storage import keys
    from chalicelib.storage.commit import Put

    ill = ABSENCE_KINDS["S"]
    for n, kid in enumerate(provider.kids):
        missed = {days[n % len(days)], days[n // 7 % len(days)]}
        there = [day for day in days if day not in missed]
        marks = {
            day.day << 57 | kind << 53 | minute << 40 | 77 << 24 | number * 2 + out
            for number, day in enumerate(there)
            for out, (kind, minute) in enumerate(((IN, 500), (OUT, 1080)))
        }
        marks |= {day.day << 57 | ill << 53 | 540 << 40 | 77 << 24 | day.day for day in missed}
        codes = "".join(
            "S" if day in missed else "P" if day in days else "-" for day in month.days()
        )
        key = keys.sheet(provider.site_id, month, kid.child_id)
        row = sheets.MarksRow(*key, marks=marks, locked=1, enrolment_id=kid.enrolment_id)
        yield Put(row)
        said = Sheet(
            approved_at=stamp(_almaty(month.next().first, "20:00")),
            approved_by=kid.person_id,
            codes=codes,
            digest="0" * 32,
        )
        yield sheets.SHEETS.create(keys.sheet_said(provider.site_id, month, kid.child_id), said)


def checks(cloud: TestCloud, meter: Meter, on: date) -> None:
    """Meter a day of what looks at everything, as it is when nothing happens.

    The day before it is not metered: the first look ever writes what later ones only read. The
    other schedules are taken to have run, or the watch would make them up.
    """
    from chalicelib.storage import ran

    first = on - timedelta(days=1)
    cloud.set_clock(_almaty(first, "12:30"))
    for back in range(10):
        for source in cloud.triggers.sources.schedules:
            ran.mark(source.name, at=_almaty(on - timedelta(days=back), "12:30"))
    for day in (first, on):
        cloud.set_clock(max(cloud.clock(), _almaty(day, "12:40")))
        with meter.on():
            meter.step = "checks" if day == on else "first look"
            cloud.advance(_almaty(day + timedelta(days=1), "12:35"), only=CHECKS)


def head_of(provider: Provider) -> Actor:
    """Return who runs a kindergarten."""
    organisations = frozenset({provider.organisation_id})
    return Actor(f"head-{provider.number}", frozenset({Role.HEAD}), organisations=organisations)


# --- the month ----------------------------------------------------------------------------------


class Played:
    """A month of some kindergartens, step by step.

    quiet: one in so many families has to be reminded before it approves; none where it is 0.
    """

    def __init__(
        self,
        cloud: TestCloud,
        sizes: Sequence[int],
        *,
        first: int = 0,
        quiet: int = 10,
        families: bool = True,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        from chalicelib.policy.actions import load_pack

        self.cloud, self.quiet, self.say = cloud, quiet, say
        self.month = Month(2026, 3)
        self.pack = load_pack(PROGRAMME, AREA)
        self.days = self.pack.calendar.working_days_in(self.month)
        self.providers = providers_of(sizes, first=first)
        self.children = sum(sizes)
        self.meter = Meter()
        self.paid_tiyn = 0
        self.spent: dict[str, tuple[float, float]] = {}
        settle(cloud, self.providers, families=families)
        for provider in self.providers:
            self._pair(provider)
        cloud.drain()

    def play(self, steps: Sequence[str] = STEPS) -> None:
        """Do the steps; `spent` has seconds on the wall and processor seconds of each."""
        for step in steps:
            began, cpu = time.perf_counter(), time.process_time()
            with self.meter.on():
                self.meter.step = step
                getattr(self, step.replace(" ", "_"))()
                self.cloud.drain()
            self.spent[step] = (time.perf_counter() - began, time.process_time() - cpu)
            self.say(f"  {step}: {self.spent[step][0]:.0f} s")

    # steps

    def rosters(self) -> None:
        """Each tablet asks once a working day who is enrolled."""
        for day in self.days:
            self._at(day, "07:30")
            for provider in self.providers:
                for tablet in provider.tablets.values():
                    self._asked("GET", "/v1/attendance/roster", token=tablet.token(self._now()))

    def uploads(self) -> None:
        """Each group's tablet sends who came, and in the evening who left: two uploads a day."""
        for day in self.days:
            for kind, hour in (("in", 8), ("out", 18)):
                self._at(day, f"{hour:02d}:45")
                for provider in self.providers:
                    for group_id, kids in provider.groups.items():
                        self._upload(provider.tablets[group_id], kids, kind, day, hour)

    def single_uploads(self) -> None:
        """The same, each record in an upload of its own, for the first day alone."""
        day = self.days[0]
        for kind, hour in (("in", 8), ("out", 18)):
            self._at(day, f"{hour:02d}:45")
            for provider in self.providers:
                for group_id, kids in provider.groups.items():
                    for kid in kids:
                        self._upload(provider.tablets[group_id], [kid], kind, day, hour)

    def daily_looks(self) -> None:
        """What the daily schedule looks at on one ordinary day of the month."""
        day = self.days[len(self.days) // 2]
        # The clock is beyond it after the uploads; the event carries the day.
        self.cloud.fire("run_attendance", _almaty(day, "12:00"))

    def closing(self) -> None:
        """The first of the next month: heads close, the schedule looks, families are told."""
        self._at(self.month.next().first, "11:00")
        for provider in self.providers:
            path = f"/v1/attendance/sites/{provider.site_id}/months/{self.month}/closing"
            self._asked("PUT", path, {}, token=self._head(provider))
        self.cloud.advance(_almaty(self.month.next().first, "12:30"), only=["run_attendance"])

    def approval(self) -> None:
        """Families see their child's month and approve it; the quiet ones after reminders."""
        after = self.month.next().first
        self._at(after + timedelta(days=1), "19:00")
        waiting = []
        for n, kid in enumerate(k for p in self.providers for k in p.kids):
            if self.quiet and n % self.quiet == 0:
                waiting.append(kid)
            else:
                self._approve(kid)
        self.cloud.advance(_almaty(after + timedelta(days=6), "13:00"), only=["run_attendance"])
        for kid in waiting:
            self._approve(kid)
        self.cloud.advance(_almaty(after + timedelta(days=9), "13:00"), only=["run_attendance"])

    def billing(self) -> None:
        """The check days: billed first, then looked at again each morning."""
        after = self.month.next().first
        self.cloud.set_clock(_almaty(after + timedelta(days=9), "14:00"))
        self._allot()
        only = ["run_billing", "run_claims"]
        self.cloud.advance(_almaty(after.replace(day=13), "10:00"), only=only)

    def claims(self) -> None:
        """Signed by heads, agreed by the department, released by finance."""
        self.cloud.set_clock(_almaty(self.month.next().first.replace(day=14), "10:00"))
        department = self._token("department", "officer-1")
        second = self._token("department", "officer-2")
        finance = [self._token("finance", f"finance-{n}") for n in range(1, 4)]
        for provider in self.providers:
            head = self._head(provider)
            shown = self._asked(
                "GET", "/v1/payouts/claims", token=head, query={"month": str(self.month)}
            )
            for claim in shown["claims"]:
                path = f"/v1/payouts/claims/{claim['claim_id']}"
                signed = {"amount_tiyn": claim["amount_tiyn"]}
                self._asked("PUT", f"{path}/signature", signed, token=head)
                agreed = self._asked("PUT", f"{path}/agreement", {"agreed": True}, token=department)
                if agreed["state"] != "agreed":
                    self._asked("PUT", f"{path}/agreement", {"agreed": True}, token=second)
                for by in finance:
                    released = self._asked("PUT", f"{path}/release", {}, token=by)
                    if released["state"] == "released":
                        break

    def payment(self) -> None:
        """One run, proposed and confirmed; its file; the bank's answer that all of it arrived."""
        self._at(self.month.next().first.replace(day=15), "10:00")
        hands = [self._token("finance", f"finance-{n}") for n in range(3, 9)]
        run_id = an_id("run", self.providers[0].number)
        path = f"/v1/payouts/runs/{run_id}"
        where = {"programme": PROGRAMME, "area": AREA, "month": str(self.month)}
        run = self._asked("PUT", path, where, token=hands[0])
        for by in hands[1:]:
            if run["made"]:
                break
            total = {"total_tiyn": run["planned_tiyn"]}
            run = self._asked("PUT", f"{path}/confirmation", total, token=by)
        if not run["made"] or run["skipped"]:
            raise RuntimeError(f"made: {run['made']}, skipped: {run['skipped']}")
        self._asked("GET", path, token=hands[0], query={"format": "pain.001"}, file=True)
        lines = ["record,end_to_end_id,status,amount,reason"]
        for one in run["payments"]:
            lines.append(f"payment,{one['end_to_end_id']},settled,{_tenge(one['amount_tiyn'])},")
        lines.append(f"total,{len(run['payments'])},,{_tenge(run['total_tiyn'])},")
        self._at(self.month.next().first.replace(day=16), "10:00")
        answer = an_id("answer", self.providers[0].number)
        self._asked(
            "PUT",
            f"/v1/payouts/answers/{answer}",
            "\r\n".join(lines).encode() + b"\r\n",
            token=self._token("finance", "finance-3"),
            headers={"content-type": "text/csv"},
        )
        self.paid_tiyn = run["total_tiyn"]

    # parts

    def _allot(self) -> None:
        amount = {"amount_tiyn": 10**15, "act": "No. 1"}
        token = self._token("finance", "finance-1")
        self._asked("PUT", f"/v1/budgets/{PROGRAMME}/{AREA}/{self.month.year}", amount, token=token)

    def _pair(self, provider: Provider) -> None:
        from chalicelib.attendance import actions
        from chalicelib.kernel.actors import Actor, Role

        now = _almaty(self.days[0], "07:00")
        self.cloud.set_clock(now)
        for n, group_id in enumerate(provider.groups):
            tablet = Quick(seed=provider.number * 1000 + n)
            code = actions.invite(
                an_id("pairing", provider.number, n),
                site_id=provider.site_id,
                label=f"Топ {n}",
                by=head_of(provider),
                now=now,
            ).code
            proof = tablet.proof(code)
            actions.pair(
                tablet.device_id,
                code=code,
                public_key=tablet.public,
                label="Планшет",
                proof=base64.urlsafe_b64decode(proof + "=" * (-len(proof) % 4)),
                by=Actor("public", frozenset({Role.PUBLIC})),
                now=now,
            )
            provider.tablets[group_id] = tablet

    def _upload(self, tablet: Any, kids: Sequence[Kid], kind: str, day: date, hour: int) -> None:
        records = [
            tablet.sign(
                f"{day}T{hour:02d}:{n // 3:02d}:{n * 7 % 60:02d}+05:00",
                kind,
                enrolment=kid.enrolment_id,
            )
            for n, kid in enumerate(kids)
        ]
        tablet.records.clear()
        said = self._asked(
            "POST",
            "/v1/attendance/records",
            {"records": records},
            token=tablet.token(self._now()),
        )
        if any(one["outcome"] != "accepted" for one in said["outcomes"]):
            raise RuntimeError(f"not accepted: {said['outcomes']}")

    def _approve(self, kid: Kid) -> None:
        token = self.cloud.token("representative", kid.subject)
        path = f"/v1/attendance/children/{kid.child_id}/months/{self.month}"
        shown = self._asked("GET", path, token=token)
        digest = {"digest": shown["items"][0]["digest"]}
        self._asked("PUT", f"{path}/approval", digest, token=token)

    def _head(self, provider: Provider) -> str:
        claims = {"organisations": [provider.organisation_id]}
        return self.cloud.token("head", f"head-{provider.number}", **claims)

    def _token(self, role: str, subject: str, **claims: Any) -> str:
        claims = {"areas": [AREA], "directions": ["*"], **claims}
        return self.cloud.token(role, subject, **claims)

    def _asked(
        self, method: str, path: str, body: object = None, *, file: bool = False, **more: Any
    ) -> Any:
        said = self.cloud.request(method, path, body, **more)
        if said.status >= 300:
            raise RuntimeError(f"{method} {path}: {said.status} {said.text}")
        return None if file else said.json

    def _at(self, day: date, time_of_day: str) -> None:
        self.cloud.set_clock(_almaty(day, time_of_day))

    def _now(self) -> datetime:
        return self.cloud.clock()


def _almaty(day: date, time_of_day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{time_of_day}:00+05:00")


def _tenge(tiyn: int) -> str:
    return f"{tiyn // 100}.{tiyn % 100:02d}"


def by_step(meter: Meter) -> Mapping[str, Mapping[str, dict[str, float]]]:
    """Return step → function → figures, as files keep them."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (step, function), use in sorted(meter.uses.items()):
        found.setdefault(step, {})[function] = use.as_row()
    return found
