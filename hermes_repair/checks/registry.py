"""The one list of findings. A check is a function with a docstring; ``explain`` prints that.

@check("LN001", "orphan-child", Severity.ERROR, Remedy.SAFE, stage=Stage.LINEAGE)
def orphan_child(scene: Scene) -> Iterator[Finding]:
    \"\"\"First line, for a person.  Then the four parts of SECTIONS.\"\"\"

    ...
    yield orphan_child.finding(subject, message, hint, fix=each(partial(_cut_link, scene, node)))

def _cut_link(scene: Scene, node: SessionNode, finding: Finding) -> Iterator[Unit]: ...
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hermes_repair.model.actions import RowInsert, RowUpdate
from hermes_repair.model.commands_to_type import Hint
from hermes_repair.model.findings import Concerns, Finding, Fix, Remedy, Severity
from hermes_repair.model.plans import Stage, Unit

if TYPE_CHECKING:
    from hermes_repair.evidence.scene import Scene

SECTIONS = ("What it means", "How it happens", "What repair does", "How safe it is")

AREAS = {
    "DB": "file",
    "FT": "search",
    "SC": "schema",
    "TR": "chats",
    "MS": "chats",
    "SE": "chats",
    "LN": "lineage",
    "LK": "locks",
    "GW": "routing",
    "CP": "copies",
    "HK": "upkeep",
    "RP": "records",
}
"""What a reader calls the things that each family of checks looks at, in the order of a verdict."""

Find = Callable[["Scene"], Iterable[Finding]]
Ask = Callable[["Scene"], Iterable[str]]


def nothing(_: Scene) -> tuple[str, ...]:
    """What most checks ask of whole tables."""
    return ()


@dataclass(slots=True)
class Check:
    """One row of the list: id, name, default severity and remedy, and the function that finds.

    ``file_level`` checks read the file's state and run even where its tables cannot be read.
    ``live`` says whether its units may run beside a live Hermes. ``tables`` are those whose rows
    the check and its units read, None where it may be any. ``stage`` is when its units are done;
    one that proposes none has none. ``concerns`` says what is the matter with the messages that its
    findings count, None where they are in sight all the same. ``asks`` returns the queries over
    whole tables that the check is going to put through :meth:`Look.counted`.
    """

    id: str
    name: str
    severity: Severity
    remedy: Remedy
    live: bool
    file_level: bool
    find: Find
    tables: frozenset[str] | None = None
    stage: Stage | None = None
    concerns: Concerns | None = None
    asks: Ask = nothing

    @property
    def area(self) -> str:
        """What the check looks at, in a word for a reader; a family without one is its own."""
        return AREAS.get(self.id[:2], self.id[:2].lower())

    def rests_on(self, tables: Collection[str]) -> bool:
        """Whether what the check finds rests on the rows of one of these tables."""
        if self.file_level or not tables:
            return False
        return self.tables is None or not self.tables.isdisjoint(tables)

    @property
    def text(self) -> str:
        """The explanation for a person: the docstring of the check."""
        return inspect.cleandoc(self.find.__doc__ or "")

    @property
    def summary(self) -> str:
        """The first sentence or two of the text, on one line."""
        return " ".join(self.text.partition("\n\n")[0].split())

    def finding(  # noqa: PLR0913 - the parts of a Finding, by name
        self,
        subject: dict[str, Any],
        message: str,
        hint: Hint,
        *,
        severity: Severity | None = None,
        remedy: Remedy | None = None,
        data: dict[str, Any] | None = None,
        identity: tuple[Any, ...] = (),
        sessions: int = 0,
        messages: int = 0,
        fix: Fix | None = None,
    ) -> Finding:
        """Make a finding of this check; severity and remedy are its own unless the case differs.

        Raises ``ValueError`` for a fix of a check that does not say when it is done.
        """
        if fix is not None and self.stage is None:
            raise ValueError(f"{self.id} mends its findings and names no stage")
        return Finding(
            id=self.id,
            name=self.name,
            severity=self.severity if severity is None else severity,
            subject=subject,
            message=message,
            hint=hint,
            remedy=self.remedy if remedy is None else remedy,
            data=data or {},
            identity=identity,
            sessions=sessions,
            messages=messages,
            fix=fix,
        )


_CHECKS: dict[str, Check] = {}


def check(  # noqa: PLR0913 - the declaration of a check, by name
    id: str,
    name: str,
    severity: Severity,
    remedy: Remedy,
    *,
    live: bool = False,
    file_level: bool = False,
    tables: Collection[str] | None = None,
    stage: Stage | None = None,
    concerns: Concerns | None = None,
    asks: Ask = nothing,
) -> Callable[[Find], Check]:
    """Enter a function in the list. Raises ValueError for a second check of one id or no text."""

    def enter(function: Find) -> Check:
        if id in _CHECKS:
            raise ValueError(f"the id {id} is taken")
        text = inspect.cleandoc(function.__doc__ or "")
        missing = [part for part in SECTIONS if f"{part}:" not in text]
        if missing:
            raise ValueError(f"{id}: its docstring lacks {', '.join(missing)}")
        read = None if tables is None else frozenset(tables)
        entry = Check(
            *(id, name, severity, remedy, live, file_level, function, read, stage, concerns, asks)
        )
        _CHECKS[id] = entry
        return entry

    return enter


def all_checks() -> list[Check]:
    """Return every check, ordered by id; imports the modules of this package once."""
    _import_modules()
    return [_CHECKS[id] for id in sorted(_CHECKS)]


@cache
def _import_modules() -> None:
    package = importlib.import_module("hermes_repair.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"hermes_repair.checks.{module.name}")


def find_check(id: str) -> Check | None:
    """Return the check with this id, upper or lower case."""
    return next((check for check in all_checks() if check.id == id.upper()), None)


def stages() -> dict[str, Stage]:
    """Return when the units of each finding are done, by its id."""
    return {entry.id: entry.stage for entry in all_checks() if entry.stage is not None}


def each(mend: Callable[[Finding], Iterable[Unit]]) -> Fix:
    """Return the fix of a finding that is mended by itself."""

    def fix(findings: Sequence[Finding]) -> Iterator[Unit]:
        for finding in findings:
            yield from mend(finding)

    return fix


def proposals(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Yield the units that mend these findings of a scene, as far as repair mends them.

    In the order of the checks; findings with one fix are mended together. What a unit gives as a
    title is taken for those that come after it.
    """
    mended = (Remedy.SAFE, Remedy.UNSAFE)
    # Of a schema that SQLite refuses (DB007) there is no title to ask for, and none to give.
    scene.taken_titles = set(scene.titles.exact) if scene.file.unreadable is None else set()
    together: dict[Fix, list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: finding.id):
        if finding.fix is not None and finding.remedy in mended:
            together.setdefault(finding.fix, []).append(finding)
    for fix, own in together.items():
        for unit in fix(own):
            scene.taken_titles.update(_titles(unit))
            yield unit


def _titles(unit: Unit) -> Iterator[str]:
    for action in unit.actions:
        if isinstance(action, RowInsert | RowUpdate) and action.table == "sessions":
            values = action.values if isinstance(action, RowInsert) else action.after
            title = values.get("title")
            if isinstance(title, str):
                yield title
