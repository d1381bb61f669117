"""The table itself: what it says is what officers read, and it cannot be written wrongly."""

from __future__ import annotations

import pytest

from chalicelib.access import actions as access
from chalicelib.access.actions.table import _row
from chalicelib.access.rules import Reach
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import Unknown
from infra import accessdoc

_USUAL = dict(access.table().usual)
HEAD = Actor("h", frozenset({Role.HEAD}), organisations=frozenset({"organisation-1"}))
OFFICER = Actor(
    "o", frozenset({Role.DEPARTMENT}), areas=frozenset({"astana"}), directions=frozenset({"sport"})
)


def test_the_page_for_officers_is_what_the_table_says() -> None:
    said = accessdoc.PAGE.read_text("utf-8")

    assert accessdoc.page(said) == said, "out of date: python -m infra.accessdoc"


@pytest.mark.parametrize(
    "said",
    [
        {"by": ["head"], "off": "all"},
        {"by": ["head"], "of": {"operator": "all"}},
        {"by": ["janitor"]},
        {"by": ["head"], "of": "own everything"},
    ],
)
def test_a_row_that_says_what_nobody_understands_is_a_fault(said: object) -> None:
    with pytest.raises((ValueError, KeyError)):
        _row("x/y", said, _USUAL)


def test_an_action_that_never_asks_is_a_bug_and_not_a_yes() -> None:
    with pytest.raises(access.NeverAsked), access.doing("providers/describe-site", HEAD):
        pass
    with access.doing("providers/describe-site", HEAD):
        assert access.may(HEAD, organisation="organisation-1")
    with access.doing("children/list", Actor("r", frozenset({Role.REPRESENTATIVE}))):
        pass  # of the caller alone: nothing is to be asked


def test_the_row_says_which_owner_counts() -> None:
    whose = {"organisation": "organisation-1", "area": "astana", "direction": "creative"}
    with access.doing("vouchers/list-enrolments", HEAD):
        assert access.reaching(HEAD, **whose) == {Role.HEAD}
    with access.doing("vouchers/list-enrolments", OFFICER):
        assert access.may(OFFICER, **whose)  # any direction of the own area
    with access.doing("attendance/read-site-month", OFFICER):
        assert not access.may(OFFICER, **whose)
        with pytest.raises(Unknown):
            access.demand(OFFICER, **whose)


def test_a_role_that_the_row_does_not_name_reaches_nothing() -> None:
    with access.doing("attendance/close-month", OFFICER):
        assert not access.may(OFFICER, organisation="organisation-1", area="astana")


def test_an_action_without_a_row_may_be_done_by_nobody() -> None:
    for role in Role:
        with pytest.raises(access.NotYourRole):
            access.check("nobody/knows", Actor("x", frozenset({role})))


def test_lists_of_ones_own_count_as_asked() -> None:
    nobody = Actor("h", frozenset({Role.HEAD}))
    with access.doing("providers/list-sites", nobody):
        assert access.organisations_of(nobody) == []
    both = Actor("o", frozenset({Role.DEPARTMENT}), areas=frozenset({"*", "astana"}))
    with access.doing("providers/list-sites", both):
        assert access.areas_of(both) == ["astana"]
    assert access.under_way() is None
    assert Reach.ALL in access.row("providers/list-sites").reach[Role.AUDITOR]
