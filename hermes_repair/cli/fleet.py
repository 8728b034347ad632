"""``doctor`` for many profiles: looks ahead in other processes, and remembers each for the end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Run
from hermes_repair.cli.interrupts import starting_others
from hermes_repair.cli.target import Responder, Target
from hermes_repair.home.layout import DATABASE, on_behalf_of_owners
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.errors import ExitCode, HermesRepairError, NoDatabase
from hermes_repair.model.findings import Severity
from hermes_repair.report import changes_text, fleet_text
from hermes_repair.report.audience import Audience
from hermes_repair.report.fleet_text import Member
from hermes_repair.report.lines import Line, show
from hermes_repair.report.own_files import require_place, write

if TYPE_CHECKING:
    from concurrent.futures import Future

LOOK_SECONDS = 0.9
BYTES_PER_SECOND = 100 << 20
"""How long a look takes: of a small profile, and how much of a large one more."""
START_SECONDS = 2.0
"""What the others have to save, for starting two processes takes almost as long."""
MOST_PROCESSES = 4


@contextmanager
def looking_ahead(
    target: Target, look_options: LookOptions, selection: Selection
) -> Iterator[Ahead]:
    """Begin to look at every profile, several at a time, where there are many."""
    roots = target.roots(target.environment()) if target.all_profiles else []
    takes = {root: look_seconds(root) for root in roots}
    processes = min(MOST_PROCESSES, os.cpu_count() or 1, len(roots))
    if processes < 2 or not worth_starting(takes.values()):
        yield Ahead(look_options, selection, {})
        return
    # Imported here: one profile needs no other process.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A new interpreter each: a copy of this one would share its threads and open descriptors.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_end_in_order)
    try:
        with starting_others():
            # The longest first, or the others are done and wait for it.
            order = sorted(roots, key=lambda root: -takes[root])
            futures = {root: pool.submit(_look, root, look_options, selection) for root in order}
        yield Ahead(look_options, selection, futures)
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def look_seconds(root: Path) -> float:
    """Return about how long a look at a home takes, by the size of its database."""
    try:
        return LOOK_SECONDS + (root / DATABASE).stat().st_size / BYTES_PER_SECOND
    except OSError:
        return 0.0  # nobody has used it yet


def worth_starting(takes: Iterable[float]) -> bool:
    """Whether processes save more than they cost: all looks but the longest can run beside it."""
    return sum(sorted(takes)[:-1]) > START_SECONDS


class Ahead:
    """Looks at homes, taking what another process has seen where there is that."""

    def __init__(
        self,
        look_options: LookOptions,
        selection: Selection,
        futures: Mapping[Path, Future[Diagnosis | None]],
    ) -> None:
        self._look_options, self._selection, self._futures = look_options, selection, futures

    def diagnosis(self, responder: Responder) -> Diagnosis:
        """Return what the doctor finds at a home, or raise what keeps it from looking."""
        future = self._futures.get(responder.run.home.root)
        seen = _seen(future) if future is not None else None
        if seen is not None:
            return seen
        return diagnose(responder.run, self._look_options, self._selection)


def _seen(future: Future[Diagnosis | None]) -> Diagnosis | None:
    """Return what another process has seen; None where it was killed (no memory, perhaps)."""
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool:
        return None


class Fleet:
    """What the profiles come to, said at the end where there are several."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._members: list[Member] = []

    @property
    def is_one(self) -> bool:
        """Whether all profiles are meant."""
        return self._target.all_profiles

    def seen(self, responder: Responder, look: Callable[[Responder], Diagnosis]) -> Diagnosis:
        """Look at one home, and note how it stands; one that nobody has used yet is no member."""
        option = self._target.option(responder.run.home)
        try:
            diagnosis = look(responder)
        except NoDatabase:
            raise
        except HermesRepairError as error:
            home = responder.run.home
            self._members.append(fleet_text.unread(home.profile, str(home.root), error, option))
            raise
        self._members.append(fleet_text.member(diagnosis, option))
        return diagnosis

    def document(self) -> dict[str, Any]:
        """Return what is added to the JSON of all profiles."""
        return {"summary": fleet_text.document(self._members)}

    def close(self) -> None:
        """Print the table, or with -q a line for each profile."""
        if not self.is_one or self._target.as_json or not self._members:
            return
        if self._target.quiet:
            show(map(fleet_text.short_line, self._members))
        else:
            show(fleet_text.table_lines(self._members))

    def monitor(self, code: int) -> int:
        """Print the line for a monitor and return its exit code; ``code`` is our own."""
        failed = code not in (ExitCode.OK, ExitCode.FINDINGS)
        line, status = fleet_text.monitor_line(self._members, failed=failed)
        show([Line(line, verbatim=True)])
        return status


class Memory:
    """What was found last, in the file of ``--changes``, if there is one.

    Raises what :func:`hermes_repair.report.own_files.require_place` raises, before anything is
    looked at. The file's folder is made where it is missing.
    """

    def __init__(self, target: Target, path: Path | None, threshold: Severity) -> None:
        self._path, self._threshold = path, threshold
        self._looks: list[tuple[Diagnosis, Audience]] = []
        self._before: changes_text.Remembered = {}
        if path is not None:
            roots = target.roots(target.environment())
            if not any(path.absolute().is_relative_to(root.absolute()) for root in roots):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            require_place(path, roots, changes_text.MARK)
            self._before = changes_text.read(path)

    def add(self, responder: Responder, diagnosis: Diagnosis) -> None:
        """Keep what was found in one home; titles are for nobody who reads a log."""
        if self._path is not None:
            self._looks.append((diagnosis, replace(responder.audience, titles=False)))

    def tell(self, code: int) -> int:
        """Print what changed, remember what is there now; ``code`` is that of the look.

        Exit 1 for something new; that a home could not be looked at weighs more.
        """
        now, changes = changes_text.compare(self._before, self._looks, self._threshold)
        show(changes_text.lines(changes))
        if self._path is not None:
            write(self._path, changes_text.written(now))
        if code not in (ExitCode.OK, ExitCode.FINDINGS):
            return code
        new = any(change.new for change in changes)
        return int(ExitCode.FINDINGS if new else ExitCode.OK)


_stopped = False


def _end_in_order() -> None:
    """Let SIGTERM end the look at hand, private copies of databases removed, and all that wait."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        global _stopped
        if not _stopped:
            _stopped = True
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def _look(root: Path, look_options: LookOptions, selection: Selection) -> Diagnosis | None:
    """Look at one home; None where that fails: it is looked at again where errors are told."""
    if _stopped:
        return None
    environment = Target(quiet=True).environment()
    try:
        with on_behalf_of_owners(root) as home:
            return diagnose(Run(home, environment), look_options, selection)
    except Exception:  # noqa: BLE001 - whatever it was, the same look meets it again and says so
        return None
