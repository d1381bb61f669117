"""Key templates, each beside the question it answers; the question comes first.

Every function returns (pk, sk), or pks where a question reads whole partitions.
`docs/data-model.md` lists the same with costs.
"""

from __future__ import annotations

import zlib
from datetime import date

from chalicelib.kernel.periods import Month

ONLY = "-"
QUEUE_SHARDS = 8
GROUP_SHARDS = 4
CLOCK_SHARDS = 4


def shard(of: str, *, shards: int) -> int:
    """Return the shard of an id, the same in every process and version."""
    return zlib.crc32(of.encode()) % shards


# --- access (facts) -----------------------------------------------------------------------------


def proposal(proposal_id: str) -> tuple[str, str]:
    """What did a first person ask for that needs a second one, and what became of it?"""
    return f"PROPOSAL#{proposal_id}", ONLY


def proposed(digest: str) -> tuple[str, str]:
    """Which proposal, the newest, asks for exactly this? Held by a keyed digest of the request."""
    return f"PROPOSED#{digest}", ONLY


def open_proposal(proposal_id: str) -> tuple[str, str]:
    """Which proposals wait for a second person? (query pk)"""
    return "PROPOSALS", proposal_id


def opening(opening_id: str) -> tuple[str, str]:
    """Who broke the glass, for which area, until when, and what did the review find?"""
    return f"OPENING#{opening_id}", ONLY


def area_opening(area: str, at: str, opening_id: str) -> tuple[str, str]:
    """When was the glass broken for an area? (query pk)"""
    return f"OPENINGS#{area}", f"{at}#{opening_id}"


def consent(consent_id: str) -> tuple[str, str]:
    """For whom may a clerk act, with which powers, until when?"""
    return f"CONSENT#{consent_id}", ONLY


def consent_of(subject: str, at: str, consent_id: str) -> tuple[str, str]:
    """Which consents did somebody give, or ask for as a clerk? (query pk)"""
    return f"CONSENTS#{subject}", f"{at}#{consent_id}"


def desk(clerk: str) -> tuple[str, str]:
    """Whom does a clerk serve now? One client at a time."""
    return f"DESK#{clerk}", ONLY


def access_figures(month: Month, area: str, of: str) -> tuple[str, str]:
    """How often was the glass broken, or a second person asked, in a month? (query pk)"""
    return f"ACCESS#{month}", f"{area}#{of}"


def revocation(revocation_id: str) -> tuple[str, str]:
    """What was revoked under this id, why, and does it stand?"""
    return f"REVOCATION#{revocation_id}", ONLY


def revocation_news(at: str, revocation_id: str) -> tuple[str, str]:
    """What was revoked or lifted since an instant? (query pk, sk above the instant)"""
    return "REVOCATIONS", f"{at}#{revocation_id}"


def standing_revocation(revocation_id: str) -> tuple[str, str]:
    """Which revocations stand until they are lifted or end? (query pk)"""
    return "REVOKED", revocation_id


def watch(pattern: str, whose: str) -> tuple[str, str]:
    """What was seen lately of one caller, family or sign-in, for one pattern of queue-grabbing?"""
    return f"WATCH#{pattern}#{whose}", ONLY


def signal(signal_id: str) -> tuple[str, str]:
    """Which pattern was seen, by which ids, and what did the department find?"""
    return f"SIGNAL#{signal_id}", ONLY


def area_signal(area: str, at: str, signal_id: str) -> tuple[str, str]:
    """Which signals has an area, newest last? (query pk)"""
    return f"SIGNALS#{area}", f"{at}#{signal_id}"


# --- children (facts) ---------------------------------------------------------------------------


def alias(digest: str) -> tuple[str, str]:
    """Whose is this IIN, BIN or sign-in? Held by a keyed digest; claims uniqueness."""
    return f"ALIAS#{digest}", ONLY


def person(person_id: str) -> tuple[str, str]:
    """Who is this person?"""
    return f"PERSON#{person_id}", ONLY


def person_child(person_id: str, child_id: str) -> tuple[str, str]:
    """Which children does this person represent? (query pk, sk begins CHILD#)"""
    return f"PERSON#{person_id}", f"CHILD#{child_id}"


def child(child_id: str) -> tuple[str, str]:
    """Who is this child?"""
    return f"CHILD#{child_id}", ONLY


def relation(child_id: str, person_id: str) -> tuple[str, str]:
    """Who may act for this child? (query pk, sk begins REP#)"""
    return f"CHILD#{child_id}", f"REP#{person_id}"


def holdings(child_id: str) -> tuple[str, str]:
    """Which live applications, vouchers and enrolments does this child hold, anywhere?"""
    return f"CHILD#{child_id}", "HOLDINGS"


# --- providers (facts) --------------------------------------------------------------------------


def organisation(organisation_id: str) -> tuple[str, str]:
    """Who is paid?"""
    return f"ORG#{organisation_id}", ONLY


def organisation_site(organisation_id: str, site_id: str) -> tuple[str, str]:
    """Which sites does an organisation run? (query pk, sk begins SITE#)"""
    return f"ORG#{organisation_id}", f"SITE#{site_id}"


def site(site_id: str) -> tuple[str, str]:
    """What is this kindergarten or club, and is it listed?"""
    return f"SITE#{site_id}", ONLY


def site_group(site_id: str, group_id: str) -> tuple[str, str]:
    """Which groups does a site have? (query pk, sk begins GROUP#); where is a group's row?"""
    return f"SITE#{site_id}", f"GROUP#{group_id}"


def area_sites(programme: str, area: str, site_id: str) -> tuple[str, str]:
    """Which sites does an area have? (query each shard)"""
    return f"SITES#{programme}#{area}#{shard(site_id, shards=GROUP_SHARDS)}", site_id


def group(programme: str, area: str, group_id: str) -> tuple[str, str]:
    """A group with its seats. The engine and the catalogue read an area's shards whole."""
    return f"GROUPS#{programme}#{area}#{shard(group_id, shards=GROUP_SHARDS)}", group_id


def group_shards(programme: str, area: str) -> list[str]:
    """The partitions that hold all groups of an area."""
    return [f"GROUPS#{programme}#{area}#{n}" for n in range(GROUP_SHARDS)]


def site_shards(programme: str, area: str) -> list[str]:
    """The partitions that list all sites of an area."""
    return [f"SITES#{programme}#{area}#{n}" for n in range(GROUP_SHARDS)]


def group_pointer(group_id: str) -> tuple[str, str]:
    """In which programme and area does a group live?"""
    return f"GROUP#{group_id}", ONLY


# --- budgets (money) ------------------------------------------------------------------------------


def budget(programme: str, area: str, year: int, direction: str = "") -> tuple[str, str]:
    """What was allotted for a year, and by which acts? (query pk, sk begins with the year)"""
    return f"BUDGET#{programme}#{area}", f"{year}#{direction}" if direction else str(year)


def posting(name: str) -> tuple[str, str]:
    """Was this booked? The natural name books it once."""
    return f"POSTING#{name}", ONLY


def account(name: str, shard: int = 0) -> tuple[str, str]:
    """An account's balance now; a hot one lies in several rows, whose sum it is."""
    return f"ACCOUNT#{name}#{shard}" if shard else f"ACCOUNT#{name}", ONLY


def account_line(name: str, at: str, posting_name: str, shard: int = 0) -> tuple[str, str]:
    """What moved a row of an account, in order? (query pk, sk begins LINE#)"""
    return account(name, shard)[0], f"LINE#{at}#{posting_name}"


def ledger_check(on: str) -> tuple[str, str]:
    """What did a night's check of the whole ledger find? (query pk, newest last)"""
    return "LEDGERCHECKS", on


# --- applications and vouchers (facts) ----------------------------------------------------------


def application(application_id: str) -> tuple[str, str]:
    """What was asked, by whom, and how does it stand?"""
    return f"APPLICATION#{application_id}", ONLY


def ticket(public_ticket: str) -> tuple[str, str]:
    """Which application does a public ticket stand for?"""
    return f"TICKET#{public_ticket}", ONLY


def batch(batch_id: str) -> tuple[str, str]:
    """Which applications move together (twins)?"""
    return f"BATCH#{batch_id}", ONLY


def child_application(child_id: str, application_id: str) -> tuple[str, str]:
    """Which applications did this child ever have? (query pk, sk begins APPLICATION#)"""
    return f"CHILD#{child_id}", f"APPLICATION#{application_id}"


def signing(application_id: str, signing_id: str) -> tuple[str, str]:
    """Which text was given out to be signed, and was it? (query pk, sk begins SIGNING#)"""
    return f"APPLICATION#{application_id}", f"SIGNING#{signing_id}"


def to_verify(programme: str, area: str, prove_by: str, application_id: str) -> tuple[str, str]:
    """Which applications of an area wait for an officer to look at papers? (query pk)"""
    return f"VERIFY#{programme}#{area}", f"{prove_by}#{application_id}"


def intakes(programme: str, area: str) -> tuple[str, str]:
    """Which windows of intake did an area announce, and what was drawn?"""
    return f"INTAKES#{programme}#{area}", ONLY


def intake(intake_id: str) -> tuple[str, str]:
    """Whose window of intake is this?"""
    return f"INTAKE#{intake_id}", ONLY


def voucher(voucher_id: str) -> tuple[str, str]:
    """One child's entitlement and how it stands."""
    return f"VOUCHER#{voucher_id}", ONLY


def waiting(group_id: str, order: str, voucher_id: str) -> tuple[str, str]:
    """Who waits for this group, in order? (query pk)"""
    return f"WAITING#{group_id}", f"{order}#{voucher_id}"


def reserved(programme: str, area: str, until: str, order: str, voucher_id: str) -> tuple[str, str]:
    """Which live vouchers of an area hold money up to a month, in order? (query each shard)"""
    return (
        f"RESERVED#{programme}#{area}#{shard(voucher_id, shards=QUEUE_SHARDS)}",
        f"{until}#{order}#{voucher_id}",
    )


def reserved_shards(programme: str, area: str) -> list[str]:
    """The partitions that list an area's vouchers that hold money."""
    return [f"RESERVED#{programme}#{area}#{n}" for n in range(QUEUE_SHARDS)]


def mover(programme: str, area: str, order: str, voucher_id: str) -> tuple[str, str]:
    """Which vouchers of an area are to be moved when it is their turn? (query each shard)"""
    return (
        f"MOVERS#{programme}#{area}#{shard(voucher_id, shards=QUEUE_SHARDS)}",
        f"{order}#{voucher_id}",
    )


def mover_shards(programme: str, area: str) -> list[str]:
    """The partitions that list an area's vouchers with a standing wish."""
    return [f"MOVERS#{programme}#{area}#{n}" for n in range(QUEUE_SHARDS)]


def enrolment(site_id: str, enrolment_id: str) -> tuple[str, str]:
    """Who is enrolled at this site? (query pk, sk begins ENROLMENT#)"""
    return f"SITE#{site_id}", f"ENROLMENT#{enrolment_id}"


def stays(child_id: str, programme: str) -> tuple[str, str]:
    """Which enrolments did this child ever have in a programme, anywhere?"""
    return f"CHILD#{child_id}", f"STAYS#{programme}"


# --- queue --------------------------------------------------------------------------------------


def queue_entry(programme: str, area: str, application_id: str) -> tuple[str, str]:
    """Who stands in this queue? (query each shard)"""
    return (
        f"QUEUE#{programme}#{area}#{shard(application_id, shards=QUEUE_SHARDS)}",
        application_id,
    )


def queue_shards(programme: str, area: str) -> list[str]:
    """The partitions that hold one queue."""
    return [f"QUEUE#{programme}#{area}#{n}" for n in range(QUEUE_SHARDS)]


def ranks(programme: str, area: str) -> tuple[str, str]:
    """The newest published order of a queue: its instant and number of pages."""
    return f"RANKS#{programme}#{area}", "HEAD"


def ranks_page(programme: str, area: str, as_of: str, page: int) -> tuple[str, str]:
    """Where does a ticket stand in the order published at `as_of`?"""
    return f"RANKS#{programme}#{area}#{as_of}", f"PAGE#{page:05d}"


def ranks_list(programme: str, area: str, as_of: str, page: int) -> tuple[str, str]:
    """In which order do the tickets of one published queue stand, without persons?"""
    return f"RANKS#{programme}#{area}#{as_of}", f"LIST#{page:05d}"


def ranks_leaves(programme: str, area: str, as_of: str, number: int, page: int) -> tuple[str, str]:
    """Which digests stand for the tickets of checkpoint `number`? Behind the last: their roots."""
    return f"RANKS#{programme}#{area}#{as_of}", f"LEAVES#{number:08d}#{page:05d}"


def chain(programme: str, area: str, number: int) -> tuple[str, str]:
    """Which checkpoint of a queue's chain has this number? (query pk: all, in order)"""
    return f"CHAIN#{programme}#{area}", f"{number:08d}"


def checkpoint(checkpoint_id: str) -> tuple[str, str]:
    """Was a checkpoint published under this id?"""
    return f"CHECKPOINT#{checkpoint_id}", ONLY


def queue_history(programme: str, area: str) -> tuple[str, str]:
    """How fast did a queue go forward, month by month, and how did past forecasts hold?"""
    return f"HISTORY#{programme}#{area}", ONLY


def run(run_id: str) -> tuple[str, str]:
    """One iteration: what it read, under which rules, and how far it got."""
    return f"RUN#{run_id}", ONLY


def run_part(run_id: str, part: str, number: int) -> tuple[str, str]:
    """A packed part of a run: INPUT, OUTCOME, RESULT, WHY, LEAVES. (query pk, sk begins with it)"""
    return f"RUN#{run_id}", f"{part}#{number:05d}"


def run_proof(run_id: str) -> tuple[str, str]:
    """What was published of a run that ended: digests, size, root, the signed note?"""
    return f"RUN#{run_id}", "PROOF"


def proved(programme: str, area: str, ended_at: str, run_id: str) -> tuple[str, str]:
    """Which runs of an area have a bundle, by their end? (query pk)"""
    return f"PROVED#{programme}#{area}", f"{ended_at}#{run_id}"


def runs(programme: str, area: str, at: str, run_id: str) -> tuple[str, str]:
    """Which runs did an area have, newest last? (query pk)"""
    return f"RUNS#{programme}#{area}", f"{at}#{run_id}"


def run_open(programme: str, area: str) -> tuple[str, str]:
    """Is a run of this area under way? One at a time, and the carry-over of the last."""
    return f"RUNS#{programme}#{area}", "OPEN"


def due(on: date, at: str, name: str) -> tuple[str, str]:
    """What falls due on a day, by instant? (query pk)"""
    return f"DUE#{on.isoformat()}", f"{at}#{name}"


def due_mark() -> tuple[str, str]:
    """Up to which day was everything that fell due looked at?"""
    return "DUE", "MARK"


def ran(on: date, job: str) -> tuple[str, str]:
    """Which schedules ran for a day? (query pk)"""
    return f"RAN#{on.isoformat()}", job


# --- attendance ---------------------------------------------------------------------------------


def pairing(digest: str) -> tuple[str, str]:
    """Which site does this one-time code pair a tablet with?"""
    return f"PAIRING#{digest}", ONLY


def device(device_id: str) -> tuple[str, str]:
    """Is this tablet paired, revoked, and where does its chain of records stand?"""
    return f"DEVICE#{device_id}", ONLY


def site_device(site_id: str, device_id: str) -> tuple[str, str]:
    """Which tablets does a site have? (query pk, sk begins DEVICE#)"""
    return f"SITE#{site_id}", f"DEVICE#{device_id}"


def roster(site_id: str, group_id: str) -> tuple[str, str]:
    """Who may be marked at this site, and on which days? (query pk: all groups in one call)"""
    return f"ROSTER#{site_id}", group_id


def timetable(site_id: str, group_id: str) -> tuple[str, str]:
    """When does this group meet? Beside the rosters, so that one query answers for a site."""
    return f"ROSTER#{site_id}", f"{group_id}#TIMETABLE"


def evidence(device_id: str, last_counter: int, digest: str) -> tuple[str, str]:
    """The signed upload that holds a record. (query pk, sk from the record's counter on)"""
    return f"EVIDENCE#{device_id}", f"{last_counter:012d}#{digest}"


def device_flag(device_id: str, kind: str, counter: int) -> tuple[str, str]:
    """What is wrong with this tablet's chain, from which record on? (query pk, sk begins FLAG#)"""
    return f"DEVICE#{device_id}", f"FLAG#{kind}#{counter:012d}"


def site_flag(site_id: str, device_id: str, kind: str, counter: int) -> tuple[str, str]:
    """Which tablets of a site are under suspicion? (query pk: with its tablets, in one call)"""
    return f"SITE#{site_id}", f"FLAG#{device_id}#{kind}#{counter:012d}"


def sheet(site_id: str, month: Month, child_id: str) -> tuple[str, str]:
    """The marks of a child-month. (query pk: a provider-month, with what people said of it)"""
    return f"SHEET#{site_id}#{month}", child_id


def sheet_said(site_id: str, month: Month, child_id: str) -> tuple[str, str]:
    """Approval, proofs, disputes, decisions of a child-month; sorts right after its marks."""
    return f"SHEET#{site_id}#{month}", f"{child_id}#SAID"


def site_month(site_id: str, month: Month) -> tuple[str, str]:
    """Has the provider closed this month?"""
    return f"MONTH#{site_id}", str(month)


def confirmation(digest: str) -> tuple[str, str]:
    """Which lesson of which child does this one-time code confirm?"""
    return f"CONFIRMATION#{digest}", ONLY


# --- signals (attendance) -----------------------------------------------------------------------


def oddity(signal_id: str) -> tuple[str, str]:
    """What is odd at a site, on which evidence, and what was decided of it?"""
    return f"ODDITY#{signal_id}", ONLY


def area_oddity(programme: str, area: str, raised_at: str, signal_id: str) -> tuple[str, str]:
    """Which signals were ever raised in an area? (query pk)"""
    return f"ODDITIES#{programme}#{area}", f"{raised_at}#{signal_id}"


def open_oddity(programme: str, area: str, raised_at: str, signal_id: str) -> tuple[str, str]:
    """Which signals of an area wait for an officer? (query pk)"""
    return f"ODDITIES#{programme}#{area}#OPEN", f"{raised_at}#{signal_id}"


# --- ratings ------------------------------------------------------------------------------------


def rating(site_id: str, quarter: str, person_id: str) -> tuple[str, str]:
    """Answers of one quarter for a site, one per representative. (query pk, sk begins quarter)"""
    return f"RATINGS#{site_id}", f"{quarter}#{person_id}"


def rating_tally(site_id: str, quarter: str) -> tuple[str, str]:
    """How many rated a site for a quarter? Numbers ratings in order of arrival."""
    return f"RATINGS#{site_id}", f"TALLY#{quarter}"


def rating_answer(site_id: str, quarter: str) -> tuple[str, str]:
    """What did the provider answer to a quarter's ratings?"""
    return f"RATINGS#{site_id}", f"ANSWER#{quarter}"


# --- complaints (facts) -------------------------------------------------------------------------


def complaint(complaint_id: str) -> tuple[str, str]:
    """What was complained about, who has it, until when?"""
    return f"COMPLAINT#{complaint_id}", ONLY


def complaint_ticket(ticket: str) -> tuple[str, str]:
    """Which complaint does a public ticket stand for?"""
    return f"COMPLAINT-TICKET#{ticket}", ONLY


def complaint_of(by: str, received_at: str, complaint_id: str) -> tuple[str, str]:
    """Which complaints did somebody send? (query pk)"""
    return f"COMPLAINTS-OF#{by}", f"{received_at}#{complaint_id}"


def child_complaint(child_id: str, complaint_id: str) -> tuple[str, str]:
    """Which complaints are about this child's things? (query pk, sk begins COMPLAINT#)"""
    return f"CHILD#{child_id}", f"COMPLAINT#{complaint_id}"


def complaint_waiting(
    programme: str, area: str, received_at: str, complaint_id: str
) -> tuple[str, str]:
    """Which complaints of an area wait for an answer, oldest first? (query pk)"""
    return f"COMPLAINTS#{programme}#{area}", f"{received_at}#{complaint_id}"


def complaints_sent(who: str, on: date) -> tuple[str, str]:
    """How many complaints did somebody send on a day?"""
    return f"COMPLAINTS-SENT#{who}", on.isoformat()


def complaint_counts(programme: str, area: str, month: Month, topic: str) -> tuple[str, str]:
    """How many complaints had an area in a month, and how were they answered? (query pk)"""
    return f"COMPLAINT-COUNTS#{programme}#{area}#{month}", topic


# --- billing and payouts (money) ----------------------------------------------------------------


def claimants(child_id: str, programme: str, month: Month) -> tuple[str, str]:
    """Which sites claim which days of this child's month?"""
    return f"CLAIMANTS#{child_id}#{programme}", str(month)


def statement(site_id: str, month: Month, number: int) -> tuple[str, str]:
    """The statements of a provider-month, each the difference to what was posted. (query pk)"""
    return f"STATEMENT#{site_id}#{month}", f"{number:04d}"


def site_month_head(site_id: str, month: Month) -> tuple[str, str]:
    """How does a provider-month stand in billing? (comes with the query of its statements)"""
    return f"STATEMENT#{site_id}#{month}", "HEAD"


def billing_run(run_id: str) -> tuple[str, str]:
    """Which month was billed on demand, and by whom?"""
    return f"BILLRUN#{run_id}", ONLY


def savings(programme: str, area: str, month: str) -> tuple[str, str]:
    """What was not paid in an area's month, and why? (query pk: by period)"""
    return f"SAVINGS#{programme}#{area}", month


def audit_night(programme: str, area: str, on: str) -> tuple[str, str]:
    """What did the self-audit of a night find in an area? (query pk: the nights, newest last)"""
    return f"SELFAUDIT#{programme}#{area}", on


def audit_part(programme: str, area: str, on: str, part: int) -> tuple[str, str]:
    """Which parts of a night's self-audit are done? (query pk)"""
    return f"SELFAUDIT#{programme}#{area}#{on}", f"{part:04d}"


def audit_case(programme: str, area: str, site_id: str, month: str, asked: str) -> tuple[str, str]:
    """Where is what was posted not what is due? (query pk: an area's open cases)"""
    return f"AUDITCASES#{programme}#{area}", f"{site_id}#{month}#{asked}"


def claim(claim_id: str) -> tuple[str, str]:
    """What is asked for a site's month, and how does it stand?"""
    return f"CLAIM#{claim_id}", ONLY


def site_claims(site_id: str, month: Month) -> tuple[str, str]:
    """Which claims did a site's month give, and which statements do they cover?"""
    return f"CLAIMS#{site_id}#{month}", ONLY


def organisation_claims(organisation_id: str, month: Month, claim_id: str) -> tuple[str, str]:
    """Which claims has an organisation for a month? (query pk)"""
    return f"CLAIMS#{organisation_id}#{month}", f"CLAIM#{claim_id}"


def area_claims(programme: str, area: str, month: Month, claim_id: str) -> tuple[str, str]:
    """Which claims does an area have for a month? (query pk)"""
    return f"CLAIMS#{programme}#{area}#{month}", claim_id


def site_clock(programme: str, area: str, month: Month, site_id: str) -> tuple[str, str]:
    """At which step does a site's month stand, for whom does it wait? (query each shard)"""
    of = shard(site_id, shards=CLOCK_SHARDS)
    return f"CLOCK#{programme}#{area}#{month}#{of}", site_id


def clock_shards(programme: str, area: str, month: Month) -> list[str]:
    """The partitions that hold the clock of an area's month."""
    return [f"CLOCK#{programme}#{area}#{month}#{n}" for n in range(CLOCK_SHARDS)]


def payment_run(run_id: str) -> tuple[str, str]:
    """One payment file: its lines and its state."""
    return f"PAYRUN#{run_id}", ONLY


def payment(end_to_end_id: str) -> tuple[str, str]:
    """One line of a payment file, found by the id the bank answers with."""
    return f"PAYMENT#{end_to_end_id}", ONLY


def bank_answer(answer_id: str) -> tuple[str, str]:
    """What did this answer file say, and what became of each line?"""
    return f"ANSWER#{answer_id}", ONLY


def answer_file(digest: str) -> tuple[str, str]:
    """Which answer brought this very file? Held by a keyed digest of file and areas."""
    return f"ANSWERFILE#{digest}", ONLY


def payment_file(message_id: str) -> tuple[str, str]:
    """Which run does a bank mean that names a whole file?"""
    return f"PAYFILE#{message_id}", ONLY


def open_case(case_id: str) -> tuple[str, str]:
    """What did the bank say of a payment, or of an unknown id, that people must look at?"""
    return f"CASE#{case_id}", ONLY


def area_cases(area: str, state: str, at: str, case_id: str) -> tuple[str, str]:
    """Which cases of an area are open, or closed, by when they were opened? (query pk)"""
    return f"CASES#{area}#{state}", f"{at}#{case_id}"


# --- record ---------------------------------------------------------------------------------------


def log_head() -> tuple[str, str]:
    """How long is the public log, and what is its root?"""
    return "LOG", "HEAD"


def log_published() -> tuple[str, str]:
    """Which checkpoint of the log was published last?"""
    return "LOG", "PUBLISHED"


def log_search() -> tuple[str, str]:
    """How far did the search for entries that streams lost get?"""
    return "LOG", "SEARCH"


def log_entered(programme: str, area: str) -> tuple[str, str]:
    """Up to which checkpoint of a queue do the log's entries lie among its files?"""
    return "ENTERED", f"{programme}#{area}"


def log_checkpoint(size: int) -> tuple[str, str]:
    """Which checkpoints were ever published? (query pk)"""
    return "CHECKPOINTS", f"{size:012d}"


def log_tile(level: int, number: int, offset: int = 0) -> tuple[str, str]:
    """What does a tile of the log hold? (query pk; sk: where in the tile a part begins)"""
    return f"TILE#{level}#{number}", f"{offset:03d}"


def log_place(pk: str, sk: str) -> tuple[str, str]:
    """At which place of the log does a journal row stand? (query pk: a stream's entries)"""
    return f"LEAF#{pk}", sk


# --- journal, outbox, vault ---------------------------------------------------------------------


def entry(stream: str, sequence: int) -> tuple[str, str]:
    """What happened to one aggregate, in order? (query pk)"""
    return stream, f"{sequence:012d}"


def notice(to: str, event_key: str) -> tuple[str, str]:
    """What was this person told? (query pk); each event once."""
    return f"NOTICES#{to}", event_key


def work(event_key: str) -> tuple[str, str]:
    """What is to be done after this commit?"""
    return f"WORK#{event_key}", ONLY


def sealed(subject: str) -> tuple[str, str]:
    """The personal fields of one subject, sealed."""
    return f"VAULT#{subject}", ONLY


def data_key(subject: str) -> tuple[str, str]:
    """The wrapped key that opens one subject's fields."""
    return f"KEY#{subject}", ONLY


def rotation(pass_name: str, part: int) -> tuple[str, str]:
    """How far is a part of a pass over all data keys? (query pk: the whole pass)"""
    return f"ROTATION#{pass_name}", f"{part:02d}"


def vault_move(way: str, part: int) -> tuple[str, str]:
    """How far is a part of the vault's move, in or out? (query pk: the whole move)"""
    return f"MOVE#{way}", f"{part:02d}"


# --- looks --------------------------------------------------------------------------------------


def look(child_id: str, at: str, name: str) -> tuple[str, str]:
    """Who looked at this child's data, newest last? (query pk)"""
    return f"LOOKS#{child_id}", f"{at}#{name}"


def looker(subject: str, on: date, at: str, name: str) -> tuple[str, str]:
    """Whose data did this caller see on a day? (query pk, sk by instant)"""
    return f"LOOKER#{subject}#{on.isoformat()}", f"{at}#{name}"


def looker_session(session: str, on: date, subject: str) -> tuple[str, str]:
    """Who looked under this sign-in, and on which days? (query pk)"""
    return f"SESSION#{session}", f"{on.isoformat()}#{subject}"


# --- meters -------------------------------------------------------------------------------------


def meter(name: str) -> tuple[str, str]:
    """How much did this caller, or this organisation's staff, ask for lately?"""
    return f"METER#{name}", ONLY


# --- rights -------------------------------------------------------------------------------------


def erasure(erasure_id: str) -> tuple[str, str]:
    """Whose data are to be erased, and what became of it?"""
    return f"ERASURE#{erasure_id}", ONLY


def erasure_of(child_id: str) -> tuple[str, str]:
    """Is this child to be erased?"""
    return f"CHILD#{child_id}", "ERASURE"


def erased(year: int, at: str, child_id: str) -> tuple[str, str]:
    """Who must not come back with a restored copy? (query pk; table keys)"""
    return f"ERASED#{year}", f"{at}#{child_id}"
