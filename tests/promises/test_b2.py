"""B2: each role sees an allow-list of fields; unknown fields are refused; markers never stray.

The list of personal fields is held against the answers of the OpenAPI document; then the city's
year is read by every role, and whatever marks a child may stand only where this page says.
"""

from __future__ import annotations

from typing import Any

from chalicelib.access import actions as access
from chalicelib.edge import looks
from chalicelib.edge.routes import Operation, operations
from chalicelib.kernel.actors import Role
from chalicelib.policy.actions import list_packs
from infra.local.testing import Said
from tests.promises import script, script_clubs
from tests.promises.script import City
from tests.promises.test_b1 import Reading
from tests.stories.people import iin

PERSONAL = frozenset(
    {"surname", "given_name", "patronymic", "birth_date", "sex", "iin", "address", "contacts"}
)
STAFF = frozenset(Role) - {Role.REPRESENTATIVE, Role.PUBLIC, Role.SYSTEM, Role.PORTAL}

MARKERS = (
    script.SURNAME,
    script.GIVEN,
    script.CHILD_NAME,
    script.ADDRESS,
    script_clubs.STREET,
    "70155544",
)

# Which staff may be shown which personal fields of people, by operation. Everything else: none.
SHOWN: dict[str, tuple[frozenset[str], frozenset[Role]]] = {
    "vouchers/list-expected": (
        frozenset({"surname", "given_name", "patronymic"}),
        frozenset({Role.HEAD, Role.EDUCATOR}),
    ),
    "vouchers/judge-papers": (
        frozenset({"surname", "given_name", "patronymic"}),
        frozenset({Role.HEAD}),
    ),
    "vouchers/list-enrolments": (
        frozenset({"surname", "given_name", "patronymic"}),
        frozenset({Role.HEAD, Role.EDUCATOR}),
    ),
}
# Addresses of kindergartens, not of people.
OF_SITES = frozenset({"address"})
# Names stand in one field of these: a timesheet's and a tablet's.
NAMED = {"attendance/read-site-month", "attendance/read-roster", *SHOWN}
# What staff wrote themselves a moment ago is no look: the file they bring is in their hands.
NO_LOOKS = {"applications/import", "vouchers/import"}


def _staff(operation: Operation) -> frozenset[Role]:
    return access.row(operation.action).roles & STAFF


def _of_staff() -> list[Operation]:
    return [o for o in operations() if _staff(o) and o.answers is not None]


def test_b2_answers_to_staff_have_the_personal_fields_that_are_allowed_and_no_more() -> None:
    for operation in _of_staff():
        fields = looks.fields_of(operation.answers) & PERSONAL
        if operation.slice_name == "providers":
            fields -= OF_SITES
        allowed, roles = SHOWN.get(operation.action, (frozenset(), frozenset()))
        assert fields <= allowed, f"{operation.action}: {sorted(fields - allowed)}"
        assert not fields or roles <= _staff(operation), operation.action


def test_b2_what_shows_staff_a_child_is_recorded_as_a_look() -> None:
    for operation in _of_staff():
        if operation.action in NO_LOOKS:
            continue
        shows = looks.names_children(operation.answers) or "child_id" in operation.path
        row = access.row(operation.action)
        assert row.looks or not shows, f"{operation.action} shows a child and records no look"


def test_b2_every_field_beside_a_child_has_a_word_for_its_family() -> None:
    kinds = access.seeing().kinds
    for operation in _of_staff():
        if access.row(operation.action).looks:
            missing = looks.beside_children(operation.answers) - kinds.keys()
            assert not missing, f"{operation.action}: {sorted(missing)} in access/looks.toml"


def test_b2_what_a_clerk_is_shown_of_a_child_has_a_word_for_its_family() -> None:
    kinds = access.seeing().kinds
    under_consent = {action for given in access.table().consent.values() for action in given}
    for operation in operations():
        if operation.action not in under_consent:
            continue
        shown = looks.beside_children(operation.answers)
        if "child_id" in operation.path:
            shown |= looks.fields_of(operation.answers)
        assert not shown - kinds.keys(), f"{operation.action}: {sorted(shown - kinds.keys())}"


def test_b2_every_purpose_and_every_word_is_said_in_three_languages() -> None:
    from chalicelib.edge.texts import catalogue

    seeing = access.seeing()
    wanted = {f"looks/purpose/{purpose}" for purpose in seeing.purposes}
    wanted |= {f"looks/field/{word}" for word in seeing.kinds.values() if word}
    wanted |= {f"looks/role/{role.value}" for role in STAFF}

    assert sorted(wanted - catalogue().keys()) == []
    assert set(seeing.usual.values()) <= set(seeing.purposes)
    assert seeing.usual.keys() <= access.table().rows.keys()


class Markers(Reading):
    """Everybody reads everything; what marks a person is looked for in each answer."""

    whole = True

    def __init__(self, city: City) -> None:
        super().__init__(city)
        self.seen: set[str] = set()

    def _own(self, name: str, read: Any, role: str) -> None:
        who = self._whose(read, role)
        self._judge(name, role, who, self.get(read, who))

    def _anybody(self, name: str, read: Any, role: str) -> None:
        self._own(name, read, role)

    def _foreign(self, name: str, read: Any, role: str, ways: set[str]) -> None:
        who = self.everybody.foreign(role)
        if who is not None and role != "device":
            self._judge(name, role, None, self.get(read, who))

    def _judge(self, name: str, role: str, who: Any, said: Said) -> None:
        operation = next(o for o in operations() if f"{o.method} {o.path}" == name)
        text = said.text if not said.headers.get("content-type", "").startswith("image") else ""
        for marker in MARKERS:
            if marker in text:
                self.seen.add(operation.action)
                if not self._allowed(operation, role, marker, who):
                    self.broken.append(f"{name}: {role} sees {marker}")
        numbers = [n for n in range(9) if iin(n) in text or iin(100 + n) in text]
        if numbers and not (role == "representative" and len(numbers) == 1):
            self.broken.append(f"{name}: {role} sees the IINs of {numbers}")
        opened = operation.action in ("applications/see-protected", "about/read", "policy/read")
        if role != "representative" and not opened:
            self.broken += [f"{name}: {role} sees {code}" for code in _protected(said)]

    def _allowed(self, operation: Operation, role: str, marker: str, who: Any) -> bool:
        if role == "representative":
            return who is not None
        if operation.action in NAMED:
            return role in ("head", "educator", "device") and marker in (
                script.SURNAME,
                script.CHILD_NAME,
            )
        # A sole trader is paid under their own name; why the glass was broken is read by whoever
        # reviews it, in the officer's own words.
        spoken = {
            "providers/see-organisation",
            "payouts/see-run",
            "payouts/see-answer",
            "access/see-opening",
        }
        return operation.action in spoken and marker in (script.SURNAME, script.GIVEN)


def _protected(said: Said) -> list[str]:
    """Return protected statuses that an answer names as somebody's."""
    codes = {c for pack in list_packs() for epoch in _days(pack) for c in pack.at(epoch).protected}
    codes -= {"protected"}
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "child_id" in value or "ticket" in value:
                found.extend(code for code in codes if f'"{code}"' in _text(value))
                return
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    if said.headers.get("content-type", "").startswith("application/json"):
        walk(said.json)
    return found


def _days(pack: Any) -> list[Any]:
    from datetime import date

    return [date(2026, 9, 30)]


def _text(value: Any) -> str:
    import json

    return json.dumps(value)


def test_b2_what_marks_a_child_stands_only_where_it_may(city: City) -> None:
    city.play()
    reading = Markers(city)

    reading.all()

    assert not reading.broken, "\n".join(sorted(set(reading.broken)))
    assert reading.seen >= {"children/see", "vouchers/list-enrolments", "rights/copy"}
