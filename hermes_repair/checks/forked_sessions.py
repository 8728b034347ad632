"""Conversations that were continued twice: forks (LN002) and double rotations (LN009)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hermes_repair.checks.merge_actions import Merge, merge_actions, own_words, plan_merge
from hermes_repair.checks.registry import Check, check, each
from hermes_repair.checks.resolution_units import REPAIR, followed_by, in_cycle, row_of, unit_of
from hermes_repair.evidence.ownership import is_no_delegate
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.column_changes import Resolution, refused
from hermes_repair.lineage.fork_resolution import (
    Basis,
    archive,
    archive_merged,
    branch,
    sessions_of,
)
from hermes_repair.lineage.forks import Decision, Fork, Holds, Live, Sibling, find_fork
from hermes_repair.lineage.release_rules import newly_shown
from hermes_repair.model.choices import ForkOptions, Method
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count, verb


@dataclass(frozen=True, slots=True)
class Settled:
    """How one fork is resolved: what is kept, the changes, and what a merge brings in."""

    keep: str
    resolution: Resolution
    merge: Merge | None = None


def read_fork(scene: Scene, parent: str) -> Fork:
    """Return the siblings below one parent, side by side."""
    ids = (parent, *scene.graph.continuations(parent))
    messages = {id: scene.messages(id) for id in ids}
    fork = find_fork(scene.graph, parent, messages, scene.routing)
    if fork.live.by is Decision.ONLY_OPEN and not is_no_delegate(scene, fork.live.session_id or ""):
        return replace(fork, live=_undecided(scene, fork))
    return fork


def _undecided(scene: Scene, fork: Fork) -> Live:
    """Nobody ends a delegate's run (up to 0.16.0): to be the only open one proves nothing then."""
    chats = [s.session_id for s in fork.siblings if is_no_delegate(scene, s.session_id)]
    suggestion = chats[-1] if chats else fork.live.suggestion
    return replace(fork.live, session_id=None, by=Decision.UNDECIDED, suggestion=suggestion)


def forks(scene: Scene) -> Iterator[Fork]:
    """Yield every fork, in the order of the rows."""
    cycles = in_cycle(scene)
    for parent in scene.graph.forked_parents:
        if parent not in cycles:
            yield read_fork(scene, parent)


def reviews(scene: Scene) -> frozenset[str]:
    """Return the halves of forks that a background review made."""
    return frozenset(
        sibling.session_id
        for fork in forks(scene)
        for sibling in fork.siblings
        if sibling.holds is Holds.REVIEW
    )


def rivals(fork: Fork) -> tuple[Sibling, ...]:
    """Return the siblings that have rows or a chat: an empty one is LN005's."""
    return tuple(
        sibling
        for sibling in fork.siblings
        if sibling.holds is not Holds.NOTHING or sibling.session_id in fork.live.routed
    )


def is_double_rotation(fork: Fork) -> bool:
    """Whether all siblings but one took no turn of their own (LN009)."""
    others = [sibling for sibling in rivals(fork) if sibling.session_id != _kept(fork)]
    return bool(others) and all(sibling.holds is Holds.COPIES for sibling in others)


def _kept(fork: Fork) -> str:
    return fork.live.session_id or fork.live.suggestion


@check(
    "LN002",
    "forked-continuation",
    Severity.ERROR,
    Remedy.SAFE,
    stage=Stage.LINEAGE,
    concerns=Concerns.UNSEEN,
)
def forked_continuation(scene: Scene) -> Iterator[Finding]:
    """One conversation was continued twice, and only one half is shown.

    What it means: two or more sessions continue the same one. Lists show one of them, and releases
    disagree on which: up to 0.17 the one that began last, from 0.18 on the one with the latest
    message. What was said in the other is not lost, but nobody sees it.

    How it happens: two compressions of one conversation ran at the same time, or a second one ran
    turns later from a copy that an agent or a background review still held (Hermes #34351, #38727,
    #41708, #56391).

    What repair does: the live one stays the continuation. Every other one with words of its own
    becomes a chat of its own that every release lists, marked as a branch; one with only copies or
    a background review is archived. `hermes-repair forks` shows them side by side, and `forks
    --resolve merge` merges the turns of the others into the live one instead.

    How safe it is: safe where routing names the live one, or only one is still open, and each one,
    and what a list then shows in its place, is provably no delegate's run and no part of one (up to
    0.16.0 those have no mark, and nobody ends them). Otherwise the one with the latest message is
    only a suggestion, and you choose with `forks --keep`.
    """
    for fork in forks(scene):
        if len(rivals(fork)) > 1 and not is_double_rotation(fork):
            yield _finding(scene, forked_continuation, fork, _unproven(scene, fork))


@check("LN009", "double-rotation", Severity.INFO, Remedy.UNSAFE, stage=Stage.LINEAGE)
def double_rotation(scene: Scene) -> Iterator[Finding]:
    """One compression made two continuations, and the second took no turn.

    What it means: the other continuation holds only copies. Nothing is lost, but releases up to
    0.17 show it instead of the live one if it began later.

    How it happens: the compression ran again for a conversation that it had already rotated, for
    example because a gateway gave an agent the long history again (Hermes #25921, #44004).

    What repair does: nothing by itself. When you name the session, the one without a turn of its
    own is archived, with a pointer to the conversation (`hermes-repair forks --resolve archive`).

    How safe it is: nothing of yours is in it. Routing proves which of the two is live, or only one
    is open; otherwise the one with the later message is kept.
    """
    for fork in forks(scene):
        if len(rivals(fork)) > 1 and is_double_rotation(fork):
            yield _finding(scene, double_rotation, fork)


def _unproven(scene: Scene, fork: Fork) -> list[str]:
    """Return what may be a delegate's run, or a part of one, and would be shown from then on."""
    others = [sibling.session_id for sibling in fork.others(_kept(fork))]
    shown = newly_shown(scene.graph, others, scene.recognition.number, cut=True)
    names = dict.fromkeys([*others, *sorted(shown)])
    return [session_id for session_id in names if not is_no_delegate(scene, session_id)]


def _finding(scene: Scene, found_by: Check, fork: Fork, unproven: Sequence[str] = ()) -> Finding:
    live = fork.live.session_id
    own = sum(own_words(sibling) for sibling in fork.others(_kept(fork)))
    known = "it is not clear which one is live"
    if live:
        known = f"{live} is the live one (by {fork.live.by.value})"
    unsafe = found_by is double_rotation or live is None or bool(unproven)
    return found_by.finding(
        {"kind": "session", "session_id": fork.parent_id},
        f"was continued {_times(len(fork.siblings))}; {known}, and {_lost(fork, own)}.",
        _hint(found_by, fork, unproven),
        remedy=Remedy.UNSAFE if unsafe else Remedy.SAFE,
        data={
            "siblings": [sibling.session_id for sibling in fork.siblings],
            "live": live,
            "by": fork.live.by.value,
            "suggestion": fork.live.suggestion,
            "holds": {s.session_id: s.holds.value for s in fork.siblings},
            "own_messages": {s.session_id: len(s.own) for s in fork.siblings},
        },
        identity=tuple(sibling.session_id for sibling in fork.siblings),
        sessions=len(fork.siblings),
        messages=own,
        fix=each(partial(_resolve, scene, fork)),
    )


def _hint(found_by: Check, fork: Fork, unproven: Sequence[str]) -> Hint:
    undecided = fork.live.session_id is None
    keep = ("--keep", fork.live.suggestion) if undecided else ()
    if found_by is double_rotation:
        archived = command("forks", fork.parent_id, "--resolve", "archive", *keep)
        return advice("If you want it: {}", archived)
    show = command("forks", fork.parent_id)
    resolve = command("forks", fork.parent_id, "--resolve", "branch", *keep)
    if undecided:
        return advice("See them with `{}`, then keep one: `{}`", show, resolve)
    if unproven:
        may_be = f"{unproven[0]} may be a delegate's run, which no list should show"
        return advice("{}: see them with `{}`, then keep one: `{}`", may_be, show, resolve)
    return REPAIR


def _times(number: int) -> str:
    return "twice" if number == 2 else f"{number} times"


def _lost(fork: Fork, own: int) -> str:
    others = fork.others(_kept(fork))
    whose = "the other" if len(others) == 1 else "the others"
    if own:
        verb, other = ("is", "hides") if own == 1 else ("are", "hide")
        return (
            f"{count(own, 'message')} of {whose} {verb} hidden, or {other} it, depending on the"
            " Hermes release"
        )
    if any(sibling.holds is Holds.REVIEW for sibling in others):
        return f"{whose} {'holds' if len(others) == 1 else 'hold'} a background review only"
    return f"{whose} took no turn"


def settle(scene: Scene, fork: Fork, wish: ForkOptions | None) -> Settled:
    """Say how a fork is resolved: as ``wish`` says, else by branch.

    Without a proof of which one is live, a wish that names none changes nothing; without a wish the
    suggestion is taken, as a judgement.
    """
    named = [s.session_id for s in fork.siblings if wish and s.session_id in wish.keep]
    keep = named[0] if named else _kept(fork)
    if wish is not None and not named and fork.live.session_id is None:
        reason = f"nothing proves which one is live; the latest message is in {keep}: --keep {keep}"
        return Settled(keep, refused(reason))
    rows = {id: row_of(scene, id) for id in sessions_of(fork)}
    basis = Basis(scene.graph, rows, scene.titles, scene.taken_titles)
    method = wish.method if wish is not None else Method.BRANCH
    if method is Method.ARCHIVE:
        return Settled(keep, archive(basis, fork, keep))
    if method is Method.BRANCH:
        return Settled(keep, branch(basis, fork, keep))
    merge = plan_merge(scene, fork, keep)
    if not merge.merged:
        return Settled(keep, refused("no half has a whole turn that could be merged"), merge)
    return Settled(keep, archive_merged(basis, fork, keep, merge.merged), merge)


def _resolve(scene: Scene, fork: Fork, finding: Finding) -> Iterator[Unit]:
    """Resolve it as was wished for, under titles that are still free."""
    settled = settle(scene, fork, scene.look_options.forks)
    if settled.resolution.changes:
        more = merge_actions(scene, settled.keep, settled.merge) if settled.merge else ()
        unit = unit_of(
            finding,
            _as_safe_as(finding, settled.resolution),
            _summary(scene, fork, settled),
            kind="family",
            sessions={fork.parent_id, *(s.session_id for s in fork.siblings)},
        )
        yield followed_by(unit, more)


def _as_safe_as(finding: Finding, resolution: Resolution) -> Resolution:
    """Where the finding is a judgement, it is done only when asked for."""
    if finding.remedy is Remedy.UNSAFE:
        return replace(resolution, safety=Safety.UNSAFE)
    return resolution


def _summary(scene: Scene, fork: Fork, settled: Settled) -> str:
    can_archive = "archived" in scene.look.columns("sessions")
    aside = "is archived" if can_archive else "is unlinked (schema 14 can archive it)"
    becomes = {
        Holds.WORDS: "becomes a chat of its own",
        Holds.COPIES: f"{aside}: it has only copies",
        Holds.REVIEW: f"{aside}: it has only a background review",
        Holds.NOTHING: "is unlinked: it is empty",
    }
    merge = settled.merge
    parts = [
        _merged(merge, other.session_id, aside)
        if merge is not None and other.session_id in merge.merged
        else f"{other.session_id} {becomes[other.holds]}"
        for other in fork.others(settled.keep)
    ]
    return (
        f"keep {settled.keep} as the continuation of {fork.parent_id}"
        f" ({settled.resolution.reason}); {'; '.join(parts)}"
    )


def _merged(merge: Merge, session_id: str, aside: str) -> str:
    came, stay = merge.merged[session_id], sum(merge.left_out[session_id].values())
    rest = f" ({count(stay, 'message')} of its own {'stays' if stay == 1 else 'stay'} there)"
    come = verb(came, "comes", "come")
    what = f"{count(came, 'message')} of {session_id} {come} in"
    return f"{what}, and it {aside}{rest if stay else ''}"
