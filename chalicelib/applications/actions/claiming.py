"""What is known of claimed statuses at once: from registers, from our own data, not yet at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

from chalicelib.applications import rules, store
from chalicelib.applications.rules import Checked, ClaimedStatus
from chalicelib.children import store as children_store
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.policy.rules import Pack
from chalicelib.vouchers import store as vouchers_store
from chalicelib.vouchers.rules import Voucher

# Digests of the IINs of child and representative, a status, now → what the register says.
AskRegistry = Callable[[Sequence[str], str, datetime], Checked]

_MOMENT = timedelta(microseconds=1)


def claims_of(
    codes: Sequence[str],
    *,
    pack: Pack,
    people: Callable[[], Sequence[Mapping[str, str]]],
    child_id: str | None,
    now: datetime,
    ask: AskRegistry,
) -> tuple[ClaimedStatus, ...]:
    """Return claimed statuses as they stand, and those that our own data give without a claim.

    people: opened fields of whom registers know; child_id: None for a child new to us.
    """
    in_force = pack.at(local_day(now))
    looked_at = rules.claimed_codes(codes, in_force)
    digests: list[str] = []
    if any(in_force.statuses[code].proof == "registry" for code in looked_at):
        iins = [iin for iin in (fields.get("iin") for fields in people()) if iin]
        digests = [digest for iin in iins for digest in children_store.iin_digests(iin)]
    claims = []
    for code in looked_at:
        checked = None
        match in_force.statuses[code].proof:
            case "registry":
                checked = ask(digests, code, now)
            case "own":
                checked = own_data(code, child_id=child_id, programme=pack.programme, now=now)
        claim = rules.claim(code, checked, now=now, pack=pack)
        if code in codes or claim.state == "proved":
            claims.append(claim)
    return tuple(claims)


def own_data(code: str, *, child_id: str | None, programme: str, now: datetime) -> Checked:
    """Return what our own data say of a status; one this code does not know is never given."""
    if code != rules.NO_RECENT_VOUCHER:
        return Checked("not-found")
    had = () if child_id is None else last_days(child_id, programme)
    recent = rules.had_recently(had, on=local_day(now))
    return Checked("not-found" if recent else "proved")


def last_days(child_id: str, programme: str) -> tuple[date | None, ...]:
    """Return the last day of each voucher a child had in a programme, None while it has it.

    From its stays and its applications: one read, one query, and a call per hundred of each.
    """
    stays = vouchers_store.find_stays(child_id, programme).value.stays
    days: list[date | None] = [
        s.ends_on for s in stays if s.ends_on is None or s.ends_on >= s.starts_on
    ]
    ids = list(store.each_application_of(child_id))
    kept = [k.value for k in store.find_applications(ids).values()] if ids else []
    own = [a for a in kept if a.programme == programme]
    days += [_day_before(a.voucher_ended_at) for a in own if a.voucher_ended_at is not None]
    seen = {s.voucher_id for s in stays}
    left = [
        a.voucher_id
        for a in own
        if a.state == "fulfilled" and a.voucher_id is not None and a.voucher_id not in seen
    ]
    days += [_last_day(k.value) for k in vouchers_store.find_vouchers(left).values()]
    return tuple(days)


def _last_day(voucher: Voucher) -> date | None:
    """Return the last day of a confirmed voucher that no place was ever signed with."""
    if voucher.state in ("confirmed", "used"):
        return None
    return _day_before(voucher.contract_by or voucher.issued_at)


def _day_before(instant: str) -> date:
    return local_day(from_stamp(instant) - _MOMENT)
