"""The cabinet: what Kezek told a person, in the language that is asked for."""

from __future__ import annotations

from chalicelib.storage import outbox
from chalicelib.storage.commit import commit
from infra.local.testing import MORNING, TestCloud

NOTICES = "/v1/notices"
FAMILY = "family-1"


def register(cloud: TestCloud, subject: str = FAMILY) -> None:
    body = {
        "iin": "991231500006",
        "surname": "Серікова",
        "given_name": "Әлия",
        "language": "kk",
        "contacts": [{"kind": "phone", "value": "+77010000000"}],
    }
    token = cloud.token("representative", subject)
    assert cloud.put("/v1/children/me", body, token=token).status == 200


def tell(cloud: TestCloud, count: int = 1) -> None:
    """Tell the family that a month was closed, `count` times."""
    me = cloud.get("/v1/children/me", token=cloud.token("representative", FAMILY)).json
    for n in range(count):
        commit(
            [
                outbox.notice(
                    f"month-closed#{n}",
                    to=f"person:{me['person_id']}",
                    template="notice:attendance/timesheet-to-approve",
                    now=MORNING,
                    month="2026-02",
                    until="2026-03-07",
                )
            ]
        )
    cloud.drain()


def test_a_notice_is_sent_once_and_stays_readable_in_each_language(cloud: TestCloud) -> None:
    register(cloud)
    tell(cloud)
    token = cloud.token("representative", FAMILY)

    said = {
        language: cloud.get(NOTICES, token=token, headers={"accept-language": language}).json
        for language in ("kk", "ru", "en")
    }

    assert [len(page["notices"]) for page in said.values()] == [1, 1, 1]
    told = said["kk"]["notices"][0]
    assert (told["key"], told["channel"]) == ("month-closed#0", "sms")
    assert told["sent_at"] is not None
    assert len({page["notices"][0]["text"] for page in said.values()}) == 3


def test_a_long_list_comes_in_pages(cloud: TestCloud) -> None:
    register(cloud)
    tell(cloud, 3)
    token = cloud.token("representative", FAMILY)

    first = cloud.get(NOTICES, token=token, query={"limit": "2"}).json
    rest = cloud.get(NOTICES, token=token, query={"limit": "2", "cursor": first["cursor"]}).json

    assert sorted(n["key"] for n in first["notices"] + rest["notices"]) == [
        f"month-closed#{n}" for n in range(3)
    ]
    assert rest["cursor"] is None


def test_each_refusal_of_the_cabinet(cloud: TestCloud) -> None:
    register(cloud)
    token = cloud.token("representative", FAMILY)

    assert cloud.get(NOTICES).code == "kezek/sign-in"
    assert cloud.get(NOTICES, token=cloud.token("auditor")).code == "kezek/not-your-role"
    assert cloud.get(NOTICES, token=token, query={"cursor": "x"}).code == "kezek/bad-cursor"
    assert cloud.get(NOTICES, token=token, query={"limit": "0"}).code == "kezek/bad-field"
    stranger = cloud.token("representative", "nobody-registered")
    assert cloud.get(NOTICES, token=stranger).code == "children/register-first"
    assert cloud.get(NOTICES, token=cloud.token("head")).code == "kezek/unknown"
