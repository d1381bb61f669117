"""Clubs over HTTP: a target voucher, a switch, a register taken over, and each no they promise."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.kernel.periods import stamp
from chalicelib.storage.secrets import alias_digest
from infra.local import issuer, testing
from infra.local.testing import Said
from tests.children.builders import an_iin
from tests.vouchers.clubs import BOXING, FIGHT, NOW, PLAY, RUN, SCHOOL, City, later
from tests.vouchers.test_clubs import unlisted
from tests.vouchers.test_routes import no, ok

BASE = "/v1/vouchers"


class Families(City):
    """The city, spoken to over HTTP by its families and an operator."""

    def __init__(self, cloud: testing.TestCloud) -> None:
        cloud.set_clock(NOW)
        self.cloud = cloud
        super().__init__(
            lambda name: alias_digest("sign-in", f"{issuer.NAME}\x00{name}")[:32],
        )

    def token(self, n: int) -> str:
        return self.cloud.token("representative", f"parent{n}")

    def target(self, n: int, body: Any, voucher_id: str = "voucher-target") -> Said:
        return self.cloud.put(f"{BASE}/{voucher_id}/target", body, token=self.token(n))

    def put(self, voucher_id: str, what: str, body: Any) -> Said:
        token = self.token(int(voucher_id.rpartition("-")[2]))
        return self.cloud.put(f"{BASE}/{voucher_id}/{what}", body, token=token)

    def take(self, body: Any, import_id: str = "voucher-import", areas: str = "karaganda") -> Said:
        token = self.cloud.token("operator", "operator", areas=[areas])
        return self.cloud.put(f"{BASE}/imports/{import_id}", body, token=token)


@pytest.fixture
def city(cloud: testing.TestCloud) -> Families:
    return Families(cloud)


def a_child(n: int, **said: Any) -> dict[str, Any]:
    return {
        "iin": an_iin(100 + n),
        "surname": "Әбенов",
        "given_name": "Ерасыл",
        "birth_date": "2016-05-04",
        "sex": "male",
        **said,
    }


def a_row(n: int = 1, **said: Any) -> dict[str, Any]:
    return {
        "representative": {
            "iin": an_iin(n),
            "surname": "Әбенова",
            "given_name": "Айгерім",
            "language": "kk",
        },
        "child": a_child(n),
        "programme": "clubs",
        "area": "karaganda",
        "voucher_kind": "universal",
        "group_id": FIGHT,
        "issued_at": stamp(later(days=-300)),
        "starts_on": "2026-09-01",
        "used": {"month": "2026-10", "used_tiyn": 600_000, "limit_tiyn": 1_800_000},
        "source": {"system": "artsport", "number": f"n-{n}", "file": "a" * 64, "line": n},
        **said,
    }


def test_a_family_takes_a_place_in_a_public_club(city: Families):
    _, _, n = city.family()
    body = {"group_id": RUN, "child": a_child(n), "starts_on": "2026-10-06"}

    issued = ok(city.target(n, body))
    again = ok(city.target(n, body))

    assert again == issued
    assert (issued["state"], issued["voucher_kind"]) == ("used", "target")
    assert issued["enrolment"]["starts_on"] == "2026-10-06"
    listed = ok(city.cloud.get(BASE, token=city.token(n)))
    assert [v["voucher_id"] for v in listed["items"]] == ["voucher-target"]


def test_each_no_of_a_target_voucher(city: Families):
    city.group("group-older", site_id=SCHOOL, age_from=12)
    city.group("group-first", site_id=SCHOOL, capacity=1)
    city.group("group-boxer", site_id=SCHOOL, activity="boxing")
    city.group("group-small", site_id=SCHOOL, sen=True)
    _, _, first = city.family()
    ok(city.target(first, {"group_id": "group-first", "child": a_child(first)}, "voucher-first"))
    _, _, n = city.family()

    def ask(**said: Any) -> Said:
        return city.target(n, {"group_id": RUN, "child": a_child(n), **said})

    no(city.target(9, {"group_id": RUN, "child": a_child(9)}), 409, "children/register-first")
    no(ask(group_id="group-none"), 404, "kezek/unknown")
    no(ask(group_id="short"), 400, "kezek/bad-field")
    no(ask(colour="red"), 400, "kezek/bad-field")
    no(ask(group_id=FIGHT), 409, "vouchers/needs-queue")
    no(ask(child=None), 400, "vouchers/child-or-id")
    no(ask(child_id="child-nobody"), 400, "vouchers/child-or-id")
    no(ask(child=None, child_id="child-nobody"), 404, "kezek/unknown")
    no(ask(child=a_child(n, iin="123456789012")), 400, "kernel/bad-iin")
    no(ask(child=a_child(n, iin=None)), 400, "children/iin-or-reason")
    no(ask(child=a_child(first)), 409, "children/represented-by-another")
    no(ask(child=a_child(n, birth_date="2030-01-01")), 400, "children/bad-dates")
    no(ask(group_id="group-older"), 409, "vouchers/age-does-not-fit")
    no(ask(group_id="group-small"), 409, "vouchers/sen-group")
    no(ask(group_id="group-first"), 409, "providers/no-place")
    no(ask(starts_on="2026-10-04"), 409, "vouchers/bad-start")
    no(ask(child=a_child(n, given_name="Басқа")), 409, "children/other-data")
    ok(ask())
    no(ask(group_id="group-boxer"), 409, "kezek/another-content")
    held = city.target(n, {"group_id": RUN, "child": a_child(n)}, "voucher-second")
    assert no(held, 409, "vouchers/held-already")["held"] == "voucher"
    _, _, young = city.family()
    toddler = {"group_id": RUN, "child": a_child(young, birth_date="2023-05-04")}
    no(city.target(young, toddler, "voucher-young"), 409, "vouchers/not-of-age")
    _, _, eight = city.family()
    boxer = {"group_id": "group-boxer", "child": a_child(eight, birth_date="2018-01-04")}
    no(city.target(eight, boxer, "voucher-eight"), 409, "vouchers/activity-age")
    unlisted(city, RUN)
    _, _, late = city.family()
    closed = {"group_id": RUN, "child": a_child(late)}
    no(city.target(late, closed, "voucher-late"), 409, "providers/group-closed")


def test_a_family_switches_clubs_by_its_own_hand(city: Families):
    voucher_id = city.issued()

    ok(city.put(voucher_id, "choice", {"group_id": FIGHT}))
    signed = ok(city.put(voucher_id, "contract", {"starts_on": "2026-10-05"}))
    moved = ok(city.put(voucher_id, "transfer", {"group_id": PLAY}))
    seen = ok(city.cloud.get(f"{BASE}/{voucher_id}", token=city.token(1)))

    assert (signed["site_id"], moved["starts_on"]) == (BOXING, "2026-10-06")
    assert (seen["direction"], seen["reserved_to"]) == ("creative", "2026-12")
    assert seen["first_visit_by"] == "2026-10-19T19:00:00.000000Z"


def test_each_no_of_a_switch_and_a_choice(city: Families):
    city.group("group-older", age_from=12)
    voucher_id = city.enrolled(FIGHT)

    no(city.put(voucher_id, "choice", {"group_id": PLAY}), 409, "vouchers/one-at-a-time")
    no(city.put(voucher_id, "transfer", {"group_id": RUN}), 409, "vouchers/wrong-form")
    no(
        city.put(voucher_id, "transfer", {"group_id": "group-older"}),
        409,
        "vouchers/age-does-not-fit",
    )
    unlisted(city, PLAY)
    no(city.put(voucher_id, "transfer", {"group_id": PLAY}), 409, "providers/group-closed")


def test_a_register_is_taken_over(city: Families):
    taken = ok(city.take(a_row()))
    again = ok(city.take(a_row()))

    assert again == taken
    assert (taken["state"], taken["starts_on"]) == ("used", "2026-10-05")
    assert (taken["cap_tiyn"], taken["remaining_tiyn"]) == (1_800_000, 1_200_000)


def test_a_family_sees_where_its_voucher_stood_before_and_what_was_paid_there(city: Families):
    account = {"issuer": issuer.NAME, "subject": "parent7"}
    ok(city.take(a_row(7, sign_in=account)))
    here = city.issued()

    seen = ok(city.cloud.get(f"{BASE}/voucher-import", token=city.token(7)))
    own = ok(city.cloud.get(f"{BASE}/{here}", token=city.token(1)))

    assert seen["source"] == {
        "platform": "artsport",
        "number": "n-7",
        "row": 7,
        "imported_at": stamp(NOW),
    }
    enrolment = seen["enrolment"]
    assert (enrolment["used_month"], enrolment["used_tiyn"]) == ("2026-10", 600_000)
    assert own["source"] is None


def test_each_no_of_a_row(city: Families):
    city.group("group-first", capacity=1)
    city.group("group-older", age_from=12)
    ok(city.take(a_row(2, group_id="group-first"), "voucher-first"))
    used = {"month": "2026-09", "used_tiyn": 0, "limit_tiyn": 1}

    def take(**said: Any) -> Said:
        return city.take(a_row(**said))

    no(city.take(a_row(), areas="astana"), 404, "kezek/unknown")
    no(take(programme="choirs"), 404, "policy/no-pack")
    no(take(issued_at=stamp(later(hours=1))), 400, "vouchers/issued-later")
    no(take(issued_at="2026-01-01T00:00:00"), 400, "kezek/bad-field")
    no(take(voucher_kind="golden"), 400, "vouchers/other-kind")
    no(take(statuses=["clever"]), 400, "policy/unknown-status")
    no(take(used=used), 400, "vouchers/bad-use")
    no(take(group_id="group-nowhere"), 400, "vouchers/no-such-group")
    no(take(group_id=RUN), 409, "vouchers/wrong-form")
    no(take(group_id="group-older"), 409, "vouchers/age-does-not-fit")
    no(take(group_id="group-first"), 409, "providers/no-place")
    no(take(child=a_child(2)), 409, "children/represented-by-another")
    no(take(child=a_child(1, birth_date="2023-05-04")), 409, "vouchers/not-of-age")
    no(take(child=a_child(1, iin="123456789012")), 400, "kernel/bad-iin")
    no(take(starts_on="2027-01-15"), 409, "vouchers/bad-start")
    held = city.take(a_row(2), "voucher-second")
    no(held, 409, "vouchers/held-already")
    ok(city.take(a_row()))
    no(take(group_id=PLAY), 409, "kezek/another-content")


def test_a_parent_and_a_head_take_nothing_over(city: Families):
    for role in ("representative", "head", "department"):
        token = city.cloud.token(role, role, areas=["karaganda"])
        said = city.cloud.put(f"{BASE}/imports/voucher-import", a_row(), token=token)
        no(said, 403, "kezek/not-your-role")
