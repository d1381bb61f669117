"""The bundle of a run that ended: fixed in the tables, then published as files, chained.

What is said is fixed first, in one commit with an entry of the journal, so that the record's log
holds its digest; the files follow and are made anew from the run's own rows, the same to the byte
however often. A runner that was killed anywhere is resumed by running it again. Bundles are chained
in the order in which runs ended: one that was left out goes before the next.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.children.actions import acting_for
from chalicelib.journal import store as journal
from chalicelib.kernel import merkle
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.notes import signed_note
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import OutOfTurn, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.queue import rules, store
from chalicelib.queue.actions import planning
from chalicelib.queue.actions.running import wind_up, write_parts
from chalicelib.queue.rules import Head, Outcome, Place, Run, Seeker, bundles, chain
from chalicelib.queue.rules.bundles import Bundle, Known, Leaf, Proof, Read
from chalicelib.queue.store import LeafAt
from chalicelib.storage import signing
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import blind, ticket_salt

_ENDED = ("committed", "stopped")
# What an opened leaf says of a child, in words of looks.toml.
OPENED = ("age", "application", "financing", "protected")


class NotProved(OutOfTurn):
    """The run has not ended, or what is published of it is being made: some minutes later."""

    code = "queue/not-proved"


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket's input leaf with its path to the root that the note signs."""

    note: str | None
    leaf: Leaf
    path: tuple[bytes, ...]


# --- fixed, then published ----------------------------------------------------------------------


def prove(run_id: str, *, by: Actor, now: datetime) -> list[Proof]:
    """Fix what is published of an ended run, after those before it; none before the end.

    Returns the run's proof last; those before it whose files are not surely saved go first. Safe
    to repeat, to interrupt and to run beside another. Raises Unknown, KeysSilent.
    """
    left: list[Run] = []
    run = store.load_run(run_id).value
    while run.state in _ENDED:
        kept = store.find_proof(run.run_id)
        done = kept is not None and (kept.value.saved or kept.value.note is None)
        if left and done:
            break
        left.append(run)
        if run.after is None:
            break
        run = store.load_run(run.after).value
    for run in reversed(left):
        _fix(wind_up(run.run_id, by=by, now=now), by=by, now=now)
    return [store.load_proof(run.run_id).value for run in reversed(left)]


@settles
def saved(run_id: str, *, by: Actor, now: datetime) -> None:
    """Note that a run's files lie in their place: from now on the queue's index names it."""
    kept = store.load_proof(run_id)
    if kept.value.saved:
        return
    journal.commit(
        journal.entry("queue/bundle-saved", f"proof/{run_id}", by=by, now=now, run_id=run_id),
        store.keep_proof(kept, replace(kept.value, saved=True)),
        store.create_proved(kept.value),
    )


def files_of(proof: Proof) -> Iterator[tuple[str, bytes]]:
    """Yield a run's public files by their names, made from its rows; none where it is not public.

    Raises DifferentNow when they would be other ones than those that were fixed.
    """
    if proof.bundle is None or proof.note is None:
        return
    made = _made_again(proof)
    yield f"{proof.folder}/bundle.json", made.public or b""
    yield f"{proof.folder}/note", proof.note.encode()


def list_proved(programme: str, area: str) -> list[tuple[str, str]]:
    """Return (run, end) of a queue's runs that have public files, by their end. One query."""
    return [(one.run_id, one.ended_at) for one in store.each_proved(programme, area)]


class DifferentNow(RuntimeError):
    """A run's rows make another bundle than the one that was fixed: a person has to look."""


@settles
def _fix(run: Run, *, by: Actor, now: datetime) -> None:
    if store.find_proof(run.run_id) is not None:
        return
    before = store.find_proof(run.after) if run.after else None
    head = _order_before(run)
    season = bundles.season_of(run)
    known = Known(
        pack_sha256=_pack_of(run),
        salt=_salt_of(run.run_id),
        checkpoint=(head.number, chain.note_digest(head.note)) if head else None,
        previous=before.value.newest if before else None,
        hidden=frozenset(before.value.hidden) if before else frozenset(),
        season=season,
        pooled=frozenset(before.value.pooled if before and before.value.season == season else ()),
        ordinary=_ordinary(run),
    )
    read = read_of(run)
    made = bundles.bundle_of(read, known, ticket_salt)
    levels = merkle.whole([leaf.digest for leaf in made.leaves])
    number_of = {seeker.ticket: number for number, seeker in enumerate(read.seekers)}
    leaves = [
        LeafAt(leaf.ticket, number_of[leaf.ticket], bundles.base64_of(leaf.digest))
        for leaf in made.leaves
    ]
    parts = store.leaves_parts(run.run_id, made.root, leaves)
    write_parts("queue/run-proof-part", parts, by=by, now=now, pack=run.pack)
    note = None
    if made.public is not None:
        title = signing.title(f"run/{run.programme}/{run.area}")
        text = bundles.note_text(made, run, title=title, previous=known.previous)
        note = signed_note(text, signing.signed(text.encode()))
    assert run.ended_at is not None
    proof = Proof(
        run_id=run.run_id,
        programme=run.programme,
        area=run.area,
        ended_at=run.ended_at,
        size=len(leaves),
        root=bundles.base64_of(made.root),
        bundle=bundles.digest_of(made.public) if made.public is not None else None,
        length=len(made.public or b""),
        whole=bundles.digest_of(made.whole),
        note=note,
        previous=known.previous,
        pack_sha256=known.pack_sha256,
        checkpoint=known.checkpoint,
        hidden_before=tuple(sorted(known.hidden)),
        hidden=tuple(sorted(made.hidden)),
        season=season,
        pooled=(*sorted(known.pooled), *sorted(made.pooled - known.pooled)),
        pooled_before=len(known.pooled),
        tops=tuple(
            bundles.base64_of(top)
            for top in (levels[store.LEAVES_LEVEL] if len(levels) > store.LEAVES_LEVEL else ())
        ),
        firsts=tuple(leaf.ticket for leaf in leaves[:: store.IN_A_LEAVES_PART]),
    )
    journal.commit(
        journal.entry(
            "queue/run-proved",
            f"proof/{run.run_id}",
            by=by,
            now=now,
            pack=run.pack,
            area=run.area,
            programme=run.programme,
            run_id=run.run_id,
            bundle=proof.bundle,
            whole=proof.whole,
            root=proof.root,
            size=proof.size,
        ),
        store.create_proof(proof),
    )


def read_of(run: Run) -> Read:
    """Return what a run read, decided and did, from its own rows."""
    head = store.load_input(run)
    judged = planning.judged_of(run)
    order = rules.order_of(judged, head.academic_year, head.seeds)
    seekers: list[Seeker] = []
    places: list[Place] = []
    for part in store.each_input(run):
        seekers += part.seekers
        places += part.places
    intakes = applications.load_intakes(run.programme, run.area).value.intakes
    telling = rules.telling_categories(order, judged.telling_tiers)
    outcomes = list(store.each_outcome(run))
    return Read(
        run=run,
        order=order,
        carry=head.carry,
        money=head.money,
        seekers=seekers,
        places=places,
        outcomes=outcomes,
        settled=bundles.settled_of(outcomes, store.each_settled(run)),
        intakes=[one for one in intakes if one.intake_id in head.seeds],
        cells=rules.cells_of(
            run.waiting_before,
            telling,
            every=order.categories.values(),
            together=run.together,
        ),
    )


def _order_before(run: Run) -> Head | None:
    """Return the newest published order from before a run was drafted; None before the first."""
    for link in store.each_link(run.programme, run.area, newest=True):
        if link.as_of <= run.proposed_at:
            kept = store.find_checkpoint(link.checkpoint_id)
            assert kept is not None
            return kept.value.head
    return None


def _made_again(proof: Proof) -> Bundle:
    run = store.load_run(proof.run_id).value
    known = Known(
        pack_sha256=proof.pack_sha256,
        salt=_salt_of(proof.run_id),
        checkpoint=proof.checkpoint,
        previous=proof.previous,
        hidden=frozenset(proof.hidden_before),
        season=proof.season,
        pooled=frozenset(proof.pooled[: proof.pooled_before]),
        ordinary=_ordinary(run),
    )
    made = bundles.bundle_of(read_of(run), known, ticket_salt)
    public = None if made.public is None else bundles.digest_of(made.public)
    if (public, bundles.digest_of(made.whole)) != (proof.bundle, proof.whole):
        raise DifferentNow(proof.run_id)
    return made


def _pack_of(run: Run) -> str:
    """Return the digest of the rules a run went by; "" where an older run did not note it."""
    said = store.load_input(run).pack_sha256
    pack = load_pack(run.programme, run.area)
    return said or (pack.digest if pack.version == run.pack else "")


def _ordinary(run: Run) -> str | None:
    """Return the kind of group that any child may go to: the first one of the pack."""
    if run.money is not None:
        return None
    return next(iter(planning.judged_of(run).kinds))


def _salt_of(run_id: str) -> bytes:
    return blind("bundle", run_id)[:16]


# --- shown --------------------------------------------------------------------------------------


def proof_of(run_id: str) -> Proof:
    """Return what was published of a run, to anybody. Raises Unknown, also where nothing was."""
    kept = store.find_proof(run_id)
    if kept is None or kept.value.bundle is None:
        raise Unknown()
    return kept.value


def leaf_of(run_id: str, application_id: str, *, by: Actor, now: datetime) -> Found:
    """Return what a run read of an application, to its child's representative.

    Raises Unknown, NotProved.
    """
    kept = applications.find_application(application_id)
    if kept is None:
        raise Unknown()
    acting_for(kept.value.child_id, by, None, local_day(now))
    access.looked([kept.value.child_id], ("application",))
    run = store.load_run(run_id).value
    found = store.find_proof(run_id)
    if found is None:
        raise NotProved(run_id=run_id)
    return _found(run, found.value, application_id, kept.value.ticket)


def _found(run: Run, proof: Proof, application_id: str, ticket: str) -> Found:
    root = base64.b64decode(proof.root)
    part = bisect_right(proof.firsts, ticket) - 1
    if part < 0:
        raise Unknown()
    leaves = store.load_leaves(run.run_id, root, part)
    inside = next((n for n, leaf in enumerate(leaves) if leaf.ticket == ticket), None)
    if inside is None:
        raise Unknown()

    def digests(number: int) -> list[bytes]:
        found = leaves if number == part else store.load_leaves(run.run_id, root, number)
        return [base64.b64decode(leaf.digest) for leaf in found]

    number = part * store.IN_A_LEAVES_PART + inside
    path = bundles.path_in_parts(
        number,
        proof.size,
        level=store.LEAVES_LEVEL,
        tops=[base64.b64decode(top) for top in proof.tops],
        load=digests,
    )
    seeker = store.load_seeker(run, leaves[inside].read)
    # Which number a batch has, only the order of serving tells.
    labels = bundles.batch_labels(store.each_outcome(run)) if seeker.batch_id else {}
    text = bundles.leaf_text(seeker, labels, run.run_id)
    salt = ticket_salt(application_id)
    leaf = Leaf(ticket, number, text, salt, bundles.leaf_digest(salt, text))
    return Found(proof.note, leaf, path)


def whole_of(run_id: str) -> bytes:
    """Return the auditor's bundle of a run. Raises Unknown, NotProved, DifferentNow."""
    check_proved(run_id)
    return _made_again(store.load_proof(run_id).value).whole


def openings(
    run_id: str, *, by: Actor, position: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of what a run's leaves say and why each got what it got, for auditors.

    In the order of serving; the first page begins with the head, which holds the whole bundle.
    Whose tickets they are is noted as seen. Raises Unknown, NotProved.
    """
    run = store.load_run(run_id).value
    access.demand(by, area=run.area)
    start = int(position) if position else 0
    lines: list[dict[str, Any]] = []
    if start == 0:
        lines.append(bundles.openings_head(run_id, whole_of(run_id)))
    elif store.find_proof(run_id) is None:
        raise NotProved(run_id=run_id)
    outcomes = list(store.each_outcome(run))
    page = outcomes[start : start + limit]
    lines += _lines(run, outcomes, page)
    access.looked(_children_in(page), OPENED)
    return lines, str(start + limit) if len(outcomes) > start + limit else None


def every_opening(run_id: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a run's openings, the head first. Raises Unknown, NotProved."""
    yield bundles.openings_head(run_id, whole_of(run_id))
    run = store.load_run(run_id).value
    outcomes = list(store.each_outcome(run))
    yield from _lines(run, outcomes, outcomes)


def check_proved(run_id: str) -> None:
    """Raise Unknown or NotProved where a run's leaves cannot be opened yet."""
    if store.find_proof(run_id) is None:
        store.load_run(run_id)
        raise NotProved(run_id=run_id)


@settles
def hand_openings(run_id: str, *, why: str, by: Actor, now: datetime) -> None:
    """Note in the journal that all openings of a run leave at once. Raises Unknown."""
    kept = store.load_proof(run_id)
    handed = replace(kept.value, handed=kept.value.handed + 1)
    journal.commit(
        journal.entry(
            "queue/openings-handed", f"proof/{run_id}", by=by, now=now, run_id=run_id, why=why
        ),
        store.keep_proof(kept, handed),
    )


def children_of_run(run_id: str) -> set[str]:
    """Return whose tickets a run read; a call per hundred."""
    return _children_in(list(store.each_outcome(store.load_run(run_id).value)))


def _lines(
    run: Run, outcomes: Sequence[Outcome], page: Sequence[Outcome]
) -> Iterator[dict[str, Any]]:
    """Yield the openings of a page of a run's outcomes; reads all that the run read."""
    wanted = {outcome.application_id for outcome in page}
    labels = bundles.batch_labels(outcomes)
    leaves: dict[str, Leaf] = {}
    for part in store.each_input(run):
        for seeker in part.seekers:
            if seeker.application_id in wanted:
                salt = ticket_salt(seeker.application_id)
                text = bundles.leaf_text(seeker, labels, run.run_id)
                digest = bundles.leaf_digest(salt, text)
                leaves[seeker.application_id] = Leaf(seeker.ticket, 0, text, salt, digest)
    settled = bundles.settled_of(outcomes, store.each_settled(run))
    for outcome in page:
        key = outcome.application_id
        yield bundles.opening_of(outcome, settled.get(key), leaves[key])


def _children_in(outcomes: Sequence[Outcome]) -> set[str]:
    """Return whose tickets outcomes name: their own, and who got in last where they did not."""
    own = {outcome.ticket: outcome.application_id for outcome in outcomes}
    others = {p.last_ticket for o in outcomes for p in o.passed if p.last_ticket} - own.keys()
    ids = {*own.values(), *applications.find_tickets(sorted(others)).values()}
    found = applications.find_applications(sorted(ids))
    return {kept.value.child_id for kept in found.values()}


# --- decided again ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Again:
    """A run decided anew from what it read. first: the first ticket that got something else."""

    run_id: str
    applications: int
    same: bool
    engine: str
    first: str | None = None


def again(run_id: str) -> Again:
    """Decide a run anew from its stored input and compare. Raises Unknown."""
    run = store.load_run(run_id).value
    head = store.load_input(run)
    expected = list(store.each_outcome(run))
    decided = planning.decide_again(run).outcomes
    same = store.digest(decided) == run.outcome == store.digest(tuple(expected))
    first = None
    if not same:
        pairs = zip(expected, decided, strict=False)
        first = next((old.ticket for old, new in pairs if old != new), None)
    return Again(run_id, len(expected), same, head.engine, first)
