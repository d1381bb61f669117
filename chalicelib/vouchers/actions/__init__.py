"""What is done with vouchers: gather, decide, commit.

change      the writes that any change of a voucher means: its seats, lists, clocks
parts       writes for other slices' commits: issuing, confirming, ending before a contract or
            by itself
targeting   a voucher without a queue
importing   a voucher of a platform that closes
choosing    the holder chooses a group, the head judges papers
offering    free places go to those who wait for them
moving      holders moved by their standing wishes, alone or in rings
waiting     waiting lists: join, leave, answer
enrolling   contract, transfer, closure, and the seats that are freed after a last day
enrolments  the rows of enrolments, as parts of a commit
cancelling  a voucher ended for fraud, by two officers
raising     special needs found after a voucher's issue
renewing    the year's end of vouchers that hold money
deadlines   what happens by itself
sites       a provider is suspended or removed: its children first
reading     what representatives, heads and officers see
"""

from collections.abc import Callable, Mapping

from chalicelib.vouchers.actions import change
from chalicelib.vouchers.actions.cancelling import cancel
from chalicelib.vouchers.actions.choosing import choose, judge_papers
from chalicelib.vouchers.actions.deadlines import (
    contract_soon,
    end_seats,
    lapse_contract,
    lapse_offer,
)
from chalicelib.vouchers.actions.enrolling import close, sign, transfer
from chalicelib.vouchers.actions.importing import ImportedVoucher, TakenOver, import_voucher
from chalicelib.vouchers.actions.moving import Move, Rows, changed, make, tell_moved
from chalicelib.vouchers.actions.offering import offer_seats
from chalicelib.vouchers.actions.parts import confirming, ending, issuing, releasing
from chalicelib.vouchers.actions.raising import Raise, raise_financing
from chalicelib.vouchers.actions.reading import (
    Enrolled,
    Expected,
    enrolment_of_child,
    enrolments_of_child,
    list_own,
    load_own,
    papers_text,
    site_enrolments,
    site_expected,
)
from chalicelib.vouchers.actions.renewing import RENEWALS_TOPIC, Pass, renew_some
from chalicelib.vouchers.actions.sites import SITE_ENDS_TOPIC, site_closed, site_ends
from chalicelib.vouchers.actions.targeting import TargetAsked, target
from chalicelib.vouchers.actions.waiting import answer, join, leave

# What falls due, by topic: called with the subject, `by` and `now`; True when anything was done.
DEADLINES: Mapping[str, Callable[..., bool]] = {
    change.CONTRACT_TOPIC: lapse_contract,
    change.CONTRACT_SOON_TOPIC: contract_soon,
    change.OFFER_LAPSE_TOPIC: lapse_offer,
    change.SEATS_TOPIC: end_seats,
    SITE_ENDS_TOPIC: site_ends,
}

__all__ = [
    "Move",
    "Rows",
    "changed",
    "make",
    "tell_moved",
    "DEADLINES",
    "Enrolled",
    "Expected",
    "ImportedVoucher",
    "Pass",
    "RENEWALS_TOPIC",
    "Raise",
    "TakenOver",
    "TargetAsked",
    "import_voucher",
    "raise_financing",
    "releasing",
    "renew_some",
    "target",
    "papers_text",
    "site_ends",
    "answer",
    "cancel",
    "choose",
    "close",
    "confirming",
    "contract_soon",
    "end_seats",
    "ending",
    "enrolment_of_child",
    "enrolments_of_child",
    "issuing",
    "join",
    "judge_papers",
    "lapse_contract",
    "lapse_offer",
    "leave",
    "list_own",
    "load_own",
    "offer_seats",
    "sign",
    "site_closed",
    "site_enrolments",
    "site_expected",
    "transfer",
]
