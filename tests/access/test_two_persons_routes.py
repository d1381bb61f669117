"""What one alone may not do: proposed by a first person, carried out by a second."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.access.actions import proposing
from chalicelib.access.store import looking
from chalicelib.edge.routes import operations
from chalicelib.journal import actions as rebuilding
from chalicelib.journal import store as journal
from infra.local import faults
from infra.local.testing import MORNING, Said, TestCloud
from tests.access.people import CHILD, clerk, officer, parent, register_child

MERGE = "/v1/children/{}/identity"


class Town:
    """A child, its parent, two officers of its area."""

    def __init__(self, cloud: TestCloud) -> None:
        self.cloud = cloud
        self.parent = parent(cloud)
        self.child_id = register_child(cloud, self.parent)
        self.first, self.second = officer(cloud, "officer-1"), officer(cloud, "officer-2")
        self.path = MERGE.format(self.child_id)

    def correct(self, token: str, given_name: str = "Ерасыл", path: str | None = None) -> Said:
        return self.cloud.put(path or self.path, {"given_name": given_name}, token=token)

    def seen(self) -> str:
        said = self.cloud.get(f"/v1/children/{self.child_id}", token=self.parent)
        return str(said.json["given_name"])

    def proposals(self, token: str) -> list[dict[str, Any]]:
        return list(self.cloud.get("/v1/access/proposals", token=token).json["items"])

    def figures(self) -> dict[str, Any]:
        said = self.cloud.get("/v1/access/figures", query={"month": "2026-03"})
        return next((a for a in said.json["areas"] if a["area"] == "taldykorgan"), {})


@pytest.fixture
def town(cloud: TestCloud) -> Iterator[Town]:
    yield Town(cloud)


def test_the_first_request_is_a_proposal_and_the_second_persons_carries_it_out(town: Town) -> None:
    first = town.correct(town.first, "Нұрлан")

    assert first.status == 202
    assert first.json["action"] == "children/correct-identity"
    assert first.json["asked_by"] == "you"
    assert first.json["ids"] == {"child_id": town.child_id}
    assert town.seen() == CHILD["given_name"]
    second = town.correct(town.second, "Нұрлан")
    assert (second.status, second.json["child_id"]) == (200, town.child_id)
    assert town.seen() == "Нұрлан"


def test_whoever_reads_what_waits_has_looked_at_the_child_it_is_about(town: Town) -> None:
    town.correct(town.first, "Нұрлан")
    assert not list(looking.each_look(town.child_id))

    assert len(town.proposals(town.second)) == 1
    assert town.proposals(officer(town.cloud, "far-officer", areas=["almaty"])) == []

    (kept,) = looking.each_look(town.child_id)
    assert (kept.value.action, kept.value.fields) == ("access/list-proposals", ("proposal",))
    seen = town.cloud.get(f"/v1/rights/children/{town.child_id}/looks", token=town.parent)
    assert seen.json["items"][0]["who"]["roles"] == ["department"]


def test_the_first_person_again_is_the_same_proposal(town: Town) -> None:
    first = town.correct(town.first, "Нұрлан")

    again = town.correct(town.first, "Нұрлан")

    assert (again.status, again.json) == (202, first.json)
    assert town.seen() == CHILD["given_name"]


def test_after_it_was_done_both_get_the_actions_own_answer(town: Town) -> None:
    town.correct(town.first, "Нұрлан")
    done = town.correct(town.second, "Нұрлан")

    assert town.correct(town.second, "Нұрлан").json == done.json
    assert town.correct(town.first, "Нұрлан").json == done.json


def test_other_content_is_another_proposal(town: Town) -> None:
    one = town.correct(town.first, "Нұрлан")

    other = town.correct(town.second, "Нұрлат")

    assert (one.status, other.status) == (202, 202)
    assert one.json["proposal_id"] != other.json["proposal_id"]
    assert town.seen() == CHILD["given_name"]


def test_a_proposal_lasts_a_day_and_then_it_is_a_new_one(town: Town) -> None:
    first = town.correct(town.first, "Нұрлан")
    town.cloud.set_clock(MORNING + timedelta(minutes=1440))

    late = town.correct(officer(town.cloud, "officer-2"), "Нұрлан")

    assert (late.status, late.json["asked_by"]) == (202, "you")
    assert late.json["proposal_id"] != first.json["proposal_id"]
    assert town.correct(officer(town.cloud, "officer-1"), "Нұрлан").status == 200


def test_a_moment_before_it_ends_it_still_counts(town: Town) -> None:
    town.correct(town.first, "Нұрлан")
    town.cloud.set_clock(MORNING + timedelta(minutes=1440, microseconds=-1))

    assert town.correct(officer(town.cloud, "officer-2"), "Нұрлан").status == 200


def test_a_proposal_that_was_carried_out_serves_once(town: Town) -> None:
    for name in ("Нұрлан", "Ерасыл"):
        assert town.correct(town.first, name).status == 202
        assert town.correct(town.second, name).status == 200

    again = town.correct(town.second, "Нұрлан")

    assert (again.status, again.json["asked_by"]) == (202, "you")
    assert town.seen() == "Ерасыл"


def test_an_officer_of_another_area_neither_proposes_nor_seconds(town: Town) -> None:
    far = officer(town.cloud, "officer-3", areas=["astana"])
    nowhere = MERGE.format("nonexistent")

    assert (town.correct(far).status, town.correct(far).code) == (404, "kezek/unknown")
    assert town.correct(far).content == town.correct(far, path=nowhere).content
    town.correct(town.first, "Нұрлан")
    assert town.correct(far, "Нұрлан").code == "kezek/unknown"
    assert town.seen() == CHILD["given_name"]


def test_a_refusal_is_told_to_the_first_person_at_once(town: Town) -> None:
    said = town.cloud.put(town.path, {"iin": "991231500007"}, token=town.first)

    assert (said.status, said.code) == (400, "kernel/bad-iin")
    assert town.proposals(town.first) == []


def test_one_person_is_not_two_under_another_role_or_sign_in(town: Town) -> None:
    linked = town.cloud.token("department", "aigerim", areas=["taldykorgan"])  # the parent herself
    both = town.cloud.token(["department", "operator"], "officer-1", areas=["taldykorgan"])
    town.correct(town.first, "Нұрлан")
    assert town.correct(both, "Нұрлан").status == 202

    # Another sign-in of the parent's, linked to her registration by her papers.
    taken = town.cloud.put(
        "/v1/children/me",
        {**_me(town), "language": "kk"},
        token=town.cloud.token(["representative", "department"], "bank", areas=["taldykorgan"]),
    )
    assert taken.code == "children/iin-taken", taken.text
    sign_in = f"/v1/children/sign-ins/{taken.json['sign_in']}"
    assert town.cloud.put(sign_in, {"iin": _me(town)["iin"]}, token=town.first).status == 202
    assert town.cloud.put(sign_in, {"iin": _me(town)["iin"]}, token=town.second).status == 200
    bank = town.cloud.token("department", "bank", areas=["taldykorgan"])
    assert town.correct(linked, "Нұрлат").status == 202
    assert town.correct(bank, "Нұрлат").status == 202
    assert town.seen() == CHILD["given_name"]
    assert town.correct(town.second, "Нұрлат").status == 200


def _me(town: Town) -> dict[str, Any]:
    from tests.access.people import ME

    return dict(ME)


def test_officers_see_open_proposals_they_may_second_without_personal_data(town: Town) -> None:
    proposed = town.correct(town.first, "Нұрлан").json

    mine, others = town.proposals(town.first), town.proposals(town.second)

    assert [one["proposal_id"] for one in mine] == [proposed["proposal_id"]]
    assert (mine[0]["asked_by"], mine[0]["may_second"]) == ("you", False)
    assert (others[0]["asked_by"], others[0]["may_second"]) == ("another", True)
    assert "Нұрлан" not in str(others)
    assert town.proposals(officer(town.cloud, "officer-3", areas=["astana"])) == []
    assert town.proposals(town.cloud.token("finance", "fin", areas=["taldykorgan"])) == []
    town.correct(town.second, "Нұрлан")
    assert town.proposals(town.second) == []


def test_open_proposals_come_by_pages(town: Town) -> None:
    ids = [town.correct(town.first, f"Нұрлан{x}").json["proposal_id"] for x in "абвг"]

    got: list[str] = []
    query: dict[str, str] = {"limit": "3"}
    while True:
        page = town.cloud.get("/v1/access/proposals", token=town.second, query=query).json
        got += [one["proposal_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert sorted(got) == sorted(ids)
    bad = town.cloud.get("/v1/access/proposals", token=town.second, query={"cursor": "x"})
    assert bad.code == "kezek/bad-cursor"


def test_a_proposal_is_withdrawn_by_who_made_it(town: Town) -> None:
    proposed = town.correct(town.first, "Нұрлан").json
    path = f"/v1/access/proposals/{proposed['proposal_id']}/withdrawal"

    assert town.cloud.put(path, token=town.second).code == "kezek/unknown"
    withdrawn = town.cloud.put(path, token=town.first)

    assert (withdrawn.status, withdrawn.json["state"]) == (200, "withdrawn")
    assert town.cloud.put(path, token=town.first).json == withdrawn.json
    assert town.proposals(town.second) == []
    assert town.correct(town.second, "Нұрлан").status == 202
    assert town.seen() == CHILD["given_name"]


def test_what_is_over_is_not_withdrawn(town: Town) -> None:
    done = town.correct(town.first, "Нұрлан").json["proposal_id"]
    town.correct(town.second, "Нұрлан")
    late = town.correct(town.first, "Нұрлат").json["proposal_id"]
    path = "/v1/access/proposals/{}/withdrawal"

    over = town.cloud.put(path.format(done), token=town.first)
    assert (over.status, over.code, over.json["state"]) == (409, "access/proposal-over", "done")
    town.cloud.set_clock(MORNING + timedelta(days=2))
    first = officer(town.cloud, "officer-1")
    expired = town.cloud.put(path.format(late), token=first)
    assert (expired.code, expired.json["state"]) == ("access/proposal-over", "expired")
    none = town.cloud.put(path.format("nonexistent"), token=first)
    assert none.code == "kezek/unknown"


def test_the_first_persons_reach_is_judged_again_when_the_second_asks(town: Town) -> None:
    """The child's record moved to another area in between: whose officer proposed it has no say."""
    from dataclasses import replace

    from chalicelib.children import store

    town.correct(town.first, "Нұрлан")
    kept = store.load_child(town.child_id)
    from chalicelib.storage.commit import commit

    commit([store.keep_child(kept, replace(kept.value, area="astana"))])
    there = officer(town.cloud, "officer-9", areas=["astana"])

    said = town.correct(there, "Нұрлан")

    assert (said.status, said.json["asked_by"]) == (202, "you")
    assert town.seen() == CHILD["given_name"]
    other = officer(town.cloud, "officer-10", areas=["astana"])
    assert town.correct(other, "Нұрлан").status == 200


def test_a_revoked_first_person_has_no_say(town: Town) -> None:
    from chalicelib.access.actions import revoking

    subject = journal_subject(town.correct(town.first, "Нұрлан").json["proposal_id"])
    operator = officer(town.cloud, "operator-1", role="operator")
    revoked = town.cloud.put(
        "/v1/access/revocations/revocation-1",
        {"subject": subject, "reason_code": "left-office"},
        token=operator,
    )
    assert revoked.status == 200, revoked.text
    revoking.forget()

    said = town.correct(town.second, "Нұрлан")

    assert (said.status, said.json["asked_by"]) == (202, "you")
    assert town.seen() == CHILD["given_name"]


def journal_subject(proposal_id: str) -> str:
    first = next(iter(journal.history(f"proposal/{proposal_id}")))
    return first.by.partition(":")[2]


def test_the_figures_count_what_was_proposed_done_withdrawn_and_expired(town: Town) -> None:
    for name in ("Нұрлан", "Нұрлат", "Нұрбек"):
        assert town.correct(town.first, name).status == 202
    town.correct(town.second, "Нұрлан")
    nurlat = next(one["proposal_id"] for one in town.proposals(town.first))
    town.cloud.put(f"/v1/access/proposals/{nurlat}/withdrawal", token=town.first)

    town.cloud.advance(MORNING + timedelta(days=1, hours=1), only=["run_deadlines"])

    figures = town.figures()
    assert figures["second_person"] == {
        "children/correct-identity": {"proposed": 3, "done": 1, "withdrawn": 1, "expired": 1}
    }
    assert figures["overrides"] == 1
    town.cloud.fire("run_deadlines")
    assert town.figures() == figures


def test_the_tables_are_what_the_journal_says(town: Town) -> None:
    proposed = town.correct(town.first, "Нұрлан").json
    town.correct(town.second, "Нұрлан")
    other = town.correct(town.first, "Нұрлат").json
    town.cloud.put(f"/v1/access/proposals/{other['proposal_id']}/withdrawal", token=town.first)
    town.correct(town.first, "Нұрбек")
    town.cloud.advance(MORNING + timedelta(days=1, hours=1), only=["run_deadlines"])

    assert list(rebuilding.differences()) == []
    assert list(journal.history(f"proposal/{proposed['proposal_id']}"))


def test_the_api_says_202_of_what_needs_two(cloud: TestCloud) -> None:
    paths = cloud.get("/v1/openapi.json").json["paths"]

    needed = {
        (method, path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "202" in operation["responses"]
    }

    assert needed == {
        (operation.method.lower(), operation.path)
        for operation in operations()
        if access.row(operation.action).second is not None
    }
    assert len(needed) >= 8


def test_the_journal_names_both_and_never_the_content(town: Town) -> None:
    proposed = town.correct(town.first, "Нұрлан").json
    town.correct(town.second, "Нұрлан")

    entries = list(journal.history(f"proposal/{proposed['proposal_id']}"))

    assert [entry.event for entry in entries] == ["access/proposed", "access/seconded"]
    assert entries[0].by != entries[1].by
    assert entries[1].facts["first"] == entries[0].by.partition(":")[2]
    assert entries[0].facts["action"] == "children/correct-identity"
    assert "Нұрлан" not in str(entries)


def test_two_second_persons_at_once_carry_it_out_once(town: Town) -> None:
    town.correct(town.first, "Нұрлан")
    tokens = [officer(town.cloud, f"officer-{n}") for n in range(2, 6)]
    ready = threading.Barrier(len(tokens))
    said: list[Said] = []

    def send(token: str) -> None:
        ready.wait()
        said.append(town.correct(token, "Нұрлан"))

    threads = [threading.Thread(target=send, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one.status for one in said] == [200] * len(tokens)
    events = [entry.event for entry in journal.history(f"child/{town.child_id}")]
    assert events.count("children/identity-corrected") == 1


def test_who_is_overtaken_hears_that_it_is_done_and_proposes_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.correct(town.first, "Нұрлан")
    rehearsed, overtaken = proposing._rehearsed, []

    def overtake(*args: Any) -> Any:
        answer = rehearsed(*args)
        if not overtaken:
            overtaken.append(True)
            assert town.correct(town.second, "Нұрлан").status == 200
        return answer

    monkeypatch.setattr(proposing, "_rehearsed", overtake)
    said = town.correct(town.second, "Нұрлан")

    assert overtaken
    assert (said.status, said.json["child_id"]) == (200, town.child_id)
    assert town.proposals(town.first) == []


def test_two_who_ask_first_at_once_are_first_and_second(town: Town) -> None:
    ready = threading.Barrier(2)
    said: list[Said] = []

    def send(token: str) -> None:
        ready.wait()
        said.append(town.correct(token, "Нұрлан"))

    threads = [threading.Thread(target=send, args=(t,)) for t in (town.first, town.second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.status for one in said) == [200, 202]
    assert town.seen() == "Нұрлан"


def test_withdrawn_while_it_is_carried_out_one_of_both_holds(town: Town) -> None:
    proposed = town.correct(town.first, "Нұрлан").json
    path = f"/v1/access/proposals/{proposed['proposal_id']}/withdrawal"
    ready = threading.Barrier(2)
    said: dict[str, Said] = {}

    def send(what: str) -> None:
        ready.wait()
        said[what] = (
            town.correct(town.second, "Нұрлан")
            if what == "second"
            else town.cloud.put(path, token=town.first)
        )

    threads = [threading.Thread(target=send, args=(w,)) for w in ("second", "withdraw")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    outcome = (said["second"].status, said["withdraw"].status, town.seen())
    assert outcome in {(200, 409, "Нұрлан"), (202, 200, CHILD["given_name"])}, outcome


def test_a_crash_anywhere_leaves_it_done_once_or_not_at_all(town: Town) -> None:
    from tests.promises.rewind import Kept

    town.correct(town.first, "Нұрлан")
    tables = town.cloud.tables
    base = Kept(tables)
    with faults.watch() as seen:
        assert town.correct(town.second, "Нұрлан").status == 200
    calls = len(seen.calls)
    for number in range(1, calls + 1):
        for when in ("before", "after"):
            base.put_back()
            fault = faults.crash(before=number) if when == "before" else faults.crash(after=number)
            try:
                with fault:
                    town.correct(town.second, "Нұрлан")
            except faults.Crash:
                pass
            said = town.correct(town.second, "Нұрлан")
            assert (said.status, town.seen()) == (200, "Нұрлан"), (number, when, said.text)


def test_only_officers_see_proposals(cloud: TestCloud) -> None:
    assert cloud.get("/v1/access/proposals").status == 401
    said = cloud.get("/v1/access/proposals", token=cloud.token("representative", "x"))
    assert (said.status, said.code) == (403, "kezek/not-your-role")
    path = "/v1/access/proposals/whatever-1/withdrawal"
    assert cloud.put(path).status == 401
    assert cloud.put(path, token=cloud.token("head", "x")).code == "kezek/not-your-role"
    assert cloud.put("/v1/access/proposals/x/withdrawal", token=officer(cloud)).code == (
        "kernel/bad-id"
    )
    assert clerk(cloud)
