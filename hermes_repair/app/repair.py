"""``repair``: rounds of look, plan, apply, until a fresh look has nothing left to do.

Units that touch the same session wait for one another, so what a later round does is planned from
what the earlier one left. ``--dry-run`` shows the first round and who waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from hermes_repair.app.apply_units import Applied, Job, apply_units, close_receipt, write_units
from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, left_wal, read_file_status
from hermes_repair.app.plan_words import Words, words_of
from hermes_repair.app.preflight import Space, single_run
from hermes_repair.app.proposal import Proposal, Request, SoFar, propose, waiting
from hermes_repair.app.recover import CutOff, answer_wal, cut_off, cut_off_run, recover
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.errors import HermesRepairError, InUse, UsageError, from_os
from hermes_repair.model.findings import Remedy
from hermes_repair.model.plans import Outline, Step, Unit
from hermes_repair.records import plan_database
from hermes_repair.store.file_state import IN_QUESTION
from hermes_repair.store.private_copies import scratch


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some steps of a plan that was shown, judgements among them: these and no others."""

    steps: frozenset[Step]

    def of(self, request: Request) -> Request:
        """Return a request narrowed to them."""
        return replace(request, selection=replace(request.selection, chosen=self.steps))


Agree: TypeAlias = Callable[[Proposal], bool | Chosen]
"""What a plan is shown to: yes, no, or which of its steps; then those are planned and shown."""


def preview(
    run: Run,
    request: Request,
    *,
    plan_out: Path | None = None,
    words: dict[int, Words] | None = None,
) -> Proposal:
    """Plan one round for a reader; ``plan_out`` also saves it for ``--plan``.

    ``words`` gets the first and last words of what comes back, by the numbers of the outlines.
    Raises :class:`UsageError` where that file exists already.
    """
    if plan_out is not None and plan_out.exists():
        raise UsageError(f"{plan_out} already exists.", "Give --plan-out a new file.")
    with scratch(0) as place:
        proposal = propose(run, request, place)
        draft = proposal.draft
        if plan_out is not None and draft.path is not None:
            with plan_database.read(draft.path) as file:
                header = file.header()
            with plan_database.create(plan_out, header) as file:
                write_units(file, draft)
            plan_database.sync(plan_out)
        if words is not None:
            words |= words_of(run, draft, proposal.steps)
    return proposal


def repair(run: Run, request: Request, agree: Agree, *, command: str = "repair") -> Repaired:
    """Plan and apply in rounds, then look afresh.

    ``agree`` is asked with the first plan, and again with a later one that has steps which the
    first could not name. A -wal in question (DB002) is refused where the request has no choice.
    """
    result = Repaired()
    read_file_status(run.home)  # raises where there is no database to change
    with single_run(run.folder), scratch(0) as place:
        asked = False
        if request.choice is not None:
            proposal = propose(run, request, place)
            asked = proposal.side in IN_QUESTION
            answer = agree(proposal) if asked else True
            if not answer:
                result.declined = True
                return result
            if asked:
                result.recovered.append(answer_wal(run, request.choice))
            if isinstance(answer, Chosen):
                request = answer.of(request)
        before = cut_off_run(run.folder, command)
        file_status = read_file_status(run.home)
        held = CutOff() if file_status.alone else cut_off(run.folder)
        if not held.receipts and (recovered := recover(run)):
            result.recovered += recovered
            file_status = read_file_status(run.home)  # that may have taken its time
        rounds = Rounds(
            run,
            replace(request, choice=None),
            place,
            agree,
            command,
            asked=asked,
            so_far=SoFar(_confirmed(run, request.look_options, file_status), held),
            continues=before,
        )
        result.go_on(lambda: rounds.do(result))
        result.go_on(rounds.close)
    result.go_on(lambda: look_afresh(run, request.look_options, result))
    return result


def look_afresh(run: Run, look_options: LookOptions, result: Repaired) -> None:
    """Say what is there now, if the last round did not."""
    if result.applied:
        result.wal_left = left_wal(run.home)
    if result.after is None and result.stopped is None:
        result.after = look_after(run, look_options)


def look_after(run: Run, look_options: LookOptions) -> Diagnosis:
    """Return what the doctor finds after steps of a repair."""
    return diagnose(run, look_options, Selection(), confirm=False)


def _confirmed(
    run: Run, look_options: LookOptions, file_status: FileStatus
) -> frozenset[str] | None:
    """Beside a live Hermes, return what two looks agree on; alone one look is enough."""
    if file_status.at_rest:
        return None
    diagnosis = diagnose(run, look_options, Selection())
    return frozenset(finding.fingerprint for finding in diagnosis.findings)


ROUNDS = 12  # families times one; a plan that never ends would be a defect, not a repair
NOT_AGREED = "It showed only after the steps before it were done, and you did not agree to it."


@dataclass(slots=True)
class Rounds:
    """The rounds of one run of ``repair``, whose lock is held; ``place`` is a scratch folder.

    ``asked``: the user has agreed to the first plan already. ``so_far`` is what was known before
    the first round. ``receipt`` is the one that is open, ``continues`` that of a run which was cut
    off.
    """

    run: Run
    request: Request
    place: Path
    agree: Agree
    command: str
    asked: bool
    so_far: SoFar
    receipt: Path | None = None
    continues: str | None = None

    def do(self, result: Repaired) -> None:
        """Go on until a fresh look has nothing left to do; what was done stands in ``result``.

        A step that was refused is not tried again, and what does not rest on it is done all the
        same; nothing is where somebody opened the database meanwhile. The first plan is asked for
        once. A later one is asked for again where it has steps that the first could not name (R3).
        """
        announced: Sequence[Outline] | None = None
        for number in range(ROUNDS):
            request = self.request if not number else replace(self.request, backup=False)
            so_far = replace(self.so_far, refused=[unit for unit, _ in result.refused])
            proposal = propose(self.run, request, self.place, so_far)
            plan = proposal.plan
            new = unannounced(plan.now, announced) if announced is not None else ()
            agreed = True
            if plan.now and (new if announced is not None else not self.asked):
                proposal, agreed = self._agreed(proposal, request, so_far)
                request, plan = replace(request, selection=self.request.selection), proposal.plan
                new = unannounced(plan.now, announced) if announced is not None else ()
            result.left = plan.left
            result.waiting = waiting(proposal, request.selection)
            if not plan.now:
                return
            if not agreed:
                result.declined = announced is None
                result.waiting += [(one.unit.summary, NOT_AGREED) for one in new]
                result.not_agreed = len(new)
                return
            if announced is None:
                announced = (*plan.now, *plan.waiting)
            apart = any(any(one.undone_by) for one in plan.now)
            if apart:
                self.close()  # what is undone row by row has a receipt of its own
            applied = self._apply(proposal, request.backup)
            result.add(applied, new)
            if apart:
                self.close()
            result.after = None
            if any(isinstance(error, InUse) for _, error in applied.refused):
                return
            result.after = look_after(self.run, request.look_options)
            if not more(result.after, request.selection):
                return

    def _agreed(self, proposal: Proposal, request: Request, so_far: SoFar) -> tuple[Proposal, bool]:
        """Return the plan that was answered yes or no to, and the answer.

        Where some steps were chosen, these are planned, asked for, and all that later rounds do.
        """
        answer = self.agree(proposal)
        while isinstance(answer, Chosen):
            self.request, request = answer.of(self.request), answer.of(request)
            proposal = propose(self.run, request, self.place, so_far)
            if not proposal.plan.now:
                return proposal, True
            answer = self.agree(proposal)
        return proposal, answer

    def close(self) -> None:
        """Close the receipt that is open, if one is."""
        if self.receipt is not None:
            close_receipt(self.run, self.receipt)
            self.receipt = None

    def _apply(self, proposal: Proposal, backup: bool) -> Applied:
        job = Job(
            self.command, proposal.schema, proposal.birth, backup=backup, continues=self.continues
        )
        applied = apply_units(self.run, proposal.file_status, proposal.draft, job, self.receipt)
        self.receipt = applied.receipt
        return applied


def unannounced(outlines: Sequence[Outline], announced: Sequence[Outline]) -> tuple[Outline, ...]:
    """Return the steps that the first plan neither did nor named among those that wait."""
    named: dict[str, set[str]] = {}
    for one in announced:
        named.setdefault(one.unit.subject, set()).update(one.unit.finding_ids)
    return tuple(
        one
        for one in outlines
        if not set(one.unit.finding_ids) <= named.get(one.unit.subject, set())
    )


def more(after: Diagnosis, selection: Selection) -> bool:
    """Whether the fresh look may show something that another round would do.

    Which sessions a repair touches only its plan says, so named sessions are not asked here.
    """
    asked = selection.unsafe or bool(selection.sessions) or selection.chosen is not None
    remedies = (Remedy.SAFE, Remedy.UNSAFE) if asked else (Remedy.SAFE,)
    return any(
        finding.remedy in remedies and selection.wants_id(finding.id) for finding in after.findings
    )


@dataclass(slots=True)
class Repaired:
    """What a repair run did. ``waiting`` could not be done now: what, and the reason in words.

    ``later`` are steps done that the first plan could not name, because only what was done before
    them brought them to light. ``declined``: the user said no; ``not_agreed`` is how many of those
    waiting he said no to later. ``stopped`` is why it went no further after something was done;
    ``wal_left`` the size of a ``-wal`` that could not be taken into state.db.
    """

    applied: list[Applied] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    left: tuple[Outline, ...] = ()
    later: list[Outline] = field(default_factory=list)
    declined: bool = False
    not_agreed: int = 0
    after: Diagnosis | None = None
    stopped: HermesRepairError | None = None
    wal_left: int = 0

    @property
    def receipt(self) -> Path | None:
        """The newest receipt of this run, where something was tried."""
        return self.receipts[-1] if self.receipts else None

    @property
    def receipts(self) -> tuple[Path, ...]:
        """The receipts of this run in order; what undo restores from a backup has its own (R5)."""
        receipts = (applied.receipt for applied in self.applied)
        return tuple(dict.fromkeys(receipt for receipt in receipts if receipt is not None))

    @property
    def units(self) -> int:
        return sum(applied.units for applied in self.applied)

    @property
    def actions(self) -> int:
        return sum(applied.actions for applied in self.applied)

    @property
    def space(self) -> Space | None:
        """What the hungriest round needed of the disk, and what was free before it."""
        needs = (applied.space for applied in self.applied if applied.space is not None)
        return max(needs, key=lambda disk: disk.needed, default=None)

    @property
    def refused(self) -> list[tuple[Unit, HermesRepairError]]:
        return [pair for applied in self.applied for pair in applied.refused]

    @property
    def problems(self) -> int:
        """What the fresh look found that is worse than a note and was not accepted."""
        return self.after.problems if self.after is not None else 0

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was done and looked at again (exit 0, else 4).

        What the user said no to was not asked for.
        """
        waits = len(self.waiting) > self.not_agreed and not self.declined
        return not (self.refused or waits or self.stopped)

    def add(self, applied: Applied, new: Sequence[Outline]) -> None:
        """Take in what became of one round, of which the first plan had not named ``new``."""
        self.applied.append(applied)
        not_done = {unit.id for unit, _ in applied.refused}
        self.later += [one for one in new if one.unit.id not in not_done]

    def go_on(self, work: Callable[[], None]) -> None:
        """Do what comes next; where something was done already, keep what stops it beside that.

        A disk that is full stops the look after a step as well, and what was done must be told all
        the same. Raises where nothing was tried yet.
        """
        try:
            work()
        except (HermesRepairError, OSError) as error:
            if not self.applied:
                raise
            if self.stopped is None:
                self.stopped = from_os(error) if isinstance(error, OSError) else error
