"""``doctor``: every check over one look, confirmed by a second look beside a live Hermes."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from hermes_repair.app.coverage import ELSEWHERE, INDEX, SELECTION, UNREADABLE, LookedAt, looked_at
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, steady
from hermes_repair.app.last_look import keep, last_look
from hermes_repair.app.open_scene import open_scene, readable
from hermes_repair.app.scene_facts import facts, labels
from hermes_repair.app.target_release import Forecast, forecast_upgrade
from hermes_repair.checks.database_elsewhere import database_elsewhere, other_backend
from hermes_repair.checks.file_damage import database_damaged
from hermes_repair.checks.registry import Check, all_checks, nothing, proposals
from hermes_repair.checks.resolution_units import DATABASE
from hermes_repair.checks.schema_version import only_where_there_is_a_way, with_one_target
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import serving
from hermes_repair.home.layout import Home
from hermes_repair.host import Openers
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Unit
from hermes_repair.model.words import SessionLabel
from hermes_repair.schema.allowed_writes import AllowedWrites, allowed_writes
from hermes_repair.schema.recognise import Family
from hermes_repair.schema.releases import is_release, newest_release
from hermes_repair.store.file_state import IN_QUESTION
from hermes_repair.store.integrity import Soundness
from hermes_repair.store.second_reader import second_reader

if TYPE_CHECKING:  # a plain look has neither
    from hermes_repair.app.picture import Picture
    from hermes_repair.evidence.deleted_ahead import Ahead

T = TypeVar("T")

_NOTHING_WRONG = (None, Soundness())
_MENDED = (Remedy.SAFE, Remedy.UNSAFE, Remedy.MIGRATE)
LARGE = 8 << 20  # bytes, checked in 8 ms; a thread and its connection take 4
SECOND_LOOK_SECONDS = 2.0  # rotations and flushes in flight are over by then


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor found in one home. ``notes`` are things that could not be looked at.

    ``openers`` has the database open now; ``live``: it was read beside them. ``looked_at`` is what
    it has seen, ``forecast`` what a named release would do here (``--for``), ``ahead`` what Hermes
    will delete (``--for``, ``--ahead``),
    ``blocking`` the finding that keeps every writing command out, also where nobody asked for it.
    ``deep``: also what takes long was looked for (``--deep``). ``picture`` is there where it was
    asked for and the database can be read.
    """

    home: Home
    database: dict[str, Any]
    findings: tuple[Finding, ...]
    labels: dict[str, SessionLabel]
    accepted: dict[str, str]
    notes: tuple[str, ...]
    looked_at: LookedAt
    openers: Openers
    live: bool
    forecast: Forecast | None = None
    blocking: str | None = None
    deep: bool = False
    picture: Picture | None = None
    ahead: Ahead | None = None

    @property
    def worst(self) -> Severity | None:
        """The worst finding that was not acknowledged."""
        open_ones = [f.severity for f in self.findings if f.fingerprint not in self.accepted]
        return max(open_ones, default=None)

    @property
    def problems(self) -> int:
        """How many findings are worse than a note and were not accepted."""
        return count_problems(self.findings, self.accepted)


def count_problems(findings: Iterable[Finding], accepted: Container[str]) -> int:
    """Return how many findings are worse than a note and not among the ``accepted``."""
    worse = (finding for finding in findings if finding.severity > Severity.INFO)
    return sum(finding.fingerprint not in accepted for finding in worse)


def diagnose(
    run: Run,
    look_options: LookOptions,
    selection: Selection,
    *,
    confirm: bool = True,
) -> Diagnosis:
    """Run the selected checks; with ``confirm``, twice beside a live Hermes: both must agree."""

    def look(file_status: FileStatus) -> Diagnosis:
        return _once(run, look_options, selection, file_status)

    first = steady(run, look)
    if not (confirm and first.live and first.findings):
        return first
    run.environment.sleep(SECOND_LOOK_SECONDS)
    second = steady(run, look)
    before = {finding.fingerprint for finding in first.findings}
    kept = tuple(finding for finding in second.findings if finding.fingerprint in before)
    return replace(second, findings=kept)


def _once(
    run: Run,
    look_options: LookOptions,
    selection: Selection,
    file_status: FileStatus,
) -> Diagnosis:
    # Every finding rests on indexes that are as their tables are, so this is asked of any look.
    check_file = not selection.ignores("DB003", "DB006")
    last = last_look(run, file_status) if look_options.recall and not look_options.deep else None

    def see(scene: Scene) -> Diagnosis:
        nonlocal last
        scene.look.answers = last if scene.file.soundness in _NOTHING_WRONG else None
        diagnosis = _seen(run, scene, selection)
        if scene.file.soundness not in _NOTHING_WRONG:  # perhaps only met while it was read
            last = None
        return diagnosis

    diagnosis = None
    if _is_worth_a_thread(file_status):
        diagnosis = _by_two_readers(run, look_options, file_status, check_file, see)
    if diagnosis is None:
        with open_scene(run, look_options, check_file=check_file, file_status=file_status) as scene:
            diagnosis = see(scene)
    if last is not None:
        keep(run, file_status, last)
    return diagnosis


def _is_worth_a_thread(file_status: FileStatus) -> bool:
    """Whether a file is one that nobody writes to, has nothing beside it, and takes a while."""
    return file_status.is_one_file and file_status.sides.main >= LARGE


def _by_two_readers(
    run: Run,
    look_options: LookOptions,
    file_status: FileStatus,
    check_file: bool,
    see: Callable[[Scene], Diagnosis],
) -> Diagnosis | None:
    """Return what a look shows while a second reader checks the file and does a part of the rest.

    None where the file is not sound, or cannot be read as if it were: then another look is taken
    that knows what is wrong with it.
    """
    with second_reader(run.home.database) as second:
        check = second.soundness() if check_file else None
        try:
            with open_scene(run, look_options, check_file=False, file_status=file_status) as scene:
                scene.look.meanwhile = second
                if check is not None:
                    scene.file = replace(scene.file, soundness=Soundness())
                diagnosis = see(scene)
        except DatabaseUnreadable:
            return None
        return diagnosis if check is None or check.result() == Soundness() else None


def _seen(run: Run, scene: Scene, selection: Selection) -> Diagnosis:
    look_options, forecast, picture = scene.look_options, None, None
    if look_options.release is not None and readable(scene):
        # What a release does rests on all that is wrong, not on what was asked to be listed.
        every = tuple(examine(scene, Selection()))
        foreseen = _tried(
            scene, f"--for {look_options.release}", lambda: forecast_upgrade(scene, every)
        )
        every, forecast = foreseen or (every, None)
        findings = tuple(finding for finding in every if selection.wants_id(finding.id))
        for check in all_checks():
            if not selection.wants_id(check.id):
                scene.left_out[check.id] = SELECTION  # an area is not sound by what is not said
    else:
        findings = tuple(examine(scene, selection))
    known = _tried(scene, "the number of sessions", lambda: facts(scene))
    named = _tried(scene, "what sessions are called", lambda: labels(scene, findings))
    database = known or facts(scene, count=False)
    if look_options.picture and readable(scene) and not scene.file.unproven:
        from hermes_repair.app.picture import picture_of

        picture = _tried(scene, "the picture of the chats", lambda: picture_of(scene))
    return Diagnosis(
        home=run.home,
        database=database,
        findings=tuple(one.without_fix() for one in _with_damage(scene, findings, selection)),
        labels=named or {},
        accepted=dict(run.folder.acknowledged_or_why()[0]),
        notes=tuple(scene.notes),
        looked_at=looked_at(scene, database["sessions"], database["messages"]),
        openers=scene.openers,
        live=scene.look.live,
        forecast=forecast,
        blocking=_blocking(scene),
        deep=look_options.deep,
        picture=picture,
        ahead=_ahead(scene),
    )


def _ahead(scene: Scene) -> Ahead | None:
    """Return what Hermes will delete, where that was asked for and can be told."""
    options = scene.look_options
    if (options.ahead is None and options.release is None) or not readable(scene):
        return None
    if scene.file.unproven:
        return None
    known = serving(scene.installed)
    release = options.release or (known.release if known is not None else None)
    if release is None or not is_release(release):
        release = newest_release(scene.recognition.number)
    from hermes_repair.evidence.deleted_ahead import deleted_ahead

    what = "what Hermes will delete"
    return _tried(scene, what, lambda: deleted_ahead(scene, release, options.ahead or 0.0))


def examine(scene: Scene, selection: Selection) -> list[Finding]:
    """Run the checks over one scene, in the order of their ids."""
    return within_limits(scene, find(scene, selection), selection)


def find(scene: Scene, selection: Selection) -> list[Finding]:
    """Run the checks; what of their repairs may be written here says :func:`within_limits`.

    One that reads a table through an index that does not have its rows (DB006) is left out: it
    would take what is there for missing.
    """
    asked: list[Check] = []
    elsewhere = other_backend(scene.home.root, scene.installed) is not None
    for check in all_checks():
        if not selection.wants_id(check.id):
            scene.left_out[check.id] = SELECTION
        elif elsewhere and check.id != database_elsewhere.id:
            scene.left_out[check.id] = ELSEWHERE
        elif not check.file_level and not readable(scene):
            scene.left_out[check.id] = UNREADABLE
        elif check.rests_on(scene.file.unproven):
            scene.left_out[check.id] = INDEX
        else:
            asked.append(check)
    found = {check.id: _ask(check, scene) for check in _in_turn(scene, asked)}
    findings = [finding for check in asked for finding in found[check.id]]
    if selection.sessions:
        findings = [
            f for f in findings if f.session_id is None or f.session_id in selection.sessions
        ]
    return findings


def _in_turn(scene: Scene, checks: list[Check]) -> list[Check]:
    """Return checks with those last whose questions a second reader answers meanwhile, if any."""
    if scene.look.meanwhile is None:
        return checks
    for check in checks:
        scene.look.begin(check.asks(scene))
    return sorted(checks, key=lambda check: check.asks is not nothing)


def within_limits(scene: Scene, findings: list[Finding], selection: Selection) -> list[Finding]:
    """Say of findings whose repair may not be written here who mends them.

    Damage that SQLite only met while the checks were reading (DB003) is added.
    """
    if not readable(scene):
        return list(_with_damage(scene, findings, selection))
    limited = _tried(
        scene,
        "what may be repaired",
        lambda: with_one_target(only_where_there_is_a_way(scene, _limited(scene, findings))),
    )
    known = _with_damage(scene, findings if limited is None else limited, selection)
    blocking = _blocking(scene)
    return [_waiting_for(blocking, one) for one in known] if blocking else list(known)


def _blocking(scene: Scene) -> str | None:
    """Return the finding that keeps every writing command out, whether it was asked for or not."""
    if scene.file.side in IN_QUESTION:
        return "DB002"
    return "DB003" if scene.file.soundness and scene.file.soundness.damage else None


def _waiting_for(blocking: str, finding: Finding) -> Finding:
    """Return a finding whose command would be refused with what has to be answered first."""
    if finding.remedy not in (Remedy.SAFE, Remedy.UNSAFE, Remedy.MIGRATE):
        return finding
    return replace(finding, hint=f"First settle {blocking}: until then nothing is written here.")


def _limited(scene: Scene, findings: list[Finding]) -> list[Finding]:
    allowed = allowed_writes(scene.recognition, scene.structure)
    if allowed.unlimited:
        return findings
    reasons: dict[str, str] = {}
    for unit in proposals(scene, findings):
        reason = why_not(allowed, unit)
        if reason:
            reasons.update(dict.fromkeys(unit.findings, reason))
    old = scene.recognition.family is Family.OLD
    if allowed.foreign_objects:  # what is mended by a migration, or after one, waits as well
        waits = findings if old else [f for f in findings if f.remedy is Remedy.MIGRATE]
        named = (f.fingerprint for f in waits if f.remedy in _MENDED)
        reasons.update(dict.fromkeys(named, allowed.foreign_objects[0].reason))
        old = False
    remedy = Remedy.MIGRATE if old else Remedy.MANUAL
    first = advice("First run: {}", command("migrate"))
    return [
        replace(f, remedy=remedy, hint=first if old else f"Not repaired here: {why}.")
        if (why := reasons.get(f.fingerprint)) is not None
        else f
        for f in findings
    ]


def why_not(allowed: AllowedWrites, unit: Unit) -> str:
    """Return why a unit may not be written, the empty text where it may."""
    return next((why for action in unit.actions if (why := allowed.refusal(action))), "")


def _ask(check: Check, scene: Scene) -> list[Finding]:
    scene.tell(f"checking {check.name} ({check.id})")
    findings = _tried(scene, check.id, lambda: list(check.find(scene)))
    if findings is None:
        scene.left_out[check.id] = UNREADABLE
    return findings or []


def _tried(scene: Scene, what: str, ask: Callable[[], T]) -> T | None:
    """Return an answer, None where the database does not give it: noted, silence is not health."""
    try:
        return ask()
    except DatabaseUnreadable as error:
        _note_unread(scene, what, error)
        damaged = scene.file.soundness is not None and scene.file.soundness.damage
        if error.damage is not None and not damaged:
            # SQLite's own check did not see it, or was not asked: what it met counts as much.
            known = scene.file.soundness or Soundness()
            scene.file = replace(scene.file, soundness=replace(known, damage=(error.damage,)))
        return None


def _note_unread(scene: Scene, what: str, error: DatabaseUnreadable) -> None:
    """Note what could not be looked at; what has the same cause stands in one sentence."""
    ending = f" could not be checked: {error.message}"
    for place, note in enumerate(scene.notes):
        if note.endswith(ending):
            scene.notes[place] = f"{note.removesuffix(ending)}, {what}{ending}"
            return
    scene.notes.append(what + ending)


def _with_damage(
    scene: Scene, findings: Sequence[Finding], selection: Selection
) -> tuple[Finding, ...]:
    """Add the damage that SQLite only met while the checks were reading (DB003)."""

    def of_state_db(finding: Finding) -> bool:
        return finding.id == database_damaged.id and finding.subject == DATABASE

    if any(map(of_state_db, findings)) or not selection.wants_id(database_damaged.id):
        return tuple(findings)
    if scene.file.soundness is None or not scene.file.soundness.damage:
        return tuple(findings)
    met = filter(of_state_db, database_damaged.find(scene))
    return tuple(sorted([*findings, *met], key=lambda finding: finding.id))
