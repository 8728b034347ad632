"""``copies``: which copies of the database there are, and what each has that this home has not.

Every copy is read as it lies, or as a private copy where a -wal belongs to it; nothing in the home
changes. What is read of a large file is remembered (:mod:`.remembered_copies`), so that a second
look at the same files takes no time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hermes_repair.app.compared_sources import hold
from hermes_repair.app.environment import Run, folder_of
from hermes_repair.app.file_status import read_file_status
from hermes_repair.app.known_copies import (
    Chat,
    Copies,
    Difference,
    Inspected,
    KnownCopy,
    Share,
    State,
    as_json,
    difference_from,
    inspected_from,
)
from hermes_repair.app.merge_sources import file_identity, find_sources, is_export
from hermes_repair.app.open_scene import ask_scene, readable
from hermes_repair.app.receipts import gather
from hermes_repair.app.remembered_copies import Identity, Memory, identity_of
from hermes_repair.app.scene_facts import facts
from hermes_repair.app.source_copies import opened
from hermes_repair.evidence.compared_copies import held_against
from hermes_repair.evidence.opened_copies import (
    NoCopy,
    open_copy,
    read_contents,
    unreadable_because,
)
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import DATABASE, default_root, open_home
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy, every_copy, is_capture
from hermes_repair.host.file_samples import digest, sample
from hermes_repair.merging.common_past import Relation
from hermes_repair.merging.verdicts_of_chats import Comparison
from hermes_repair.model.errors import (
    DatabaseUnreadable,
    HermesRepairError,
    NoInstall,
    Refused,
    UsageError,
)
from hermes_repair.model.receipt_history import NO_HISTORY, ReceiptHistory
from hermes_repair.store.integrity import soundness


def see_copies(run: Run, named: Sequence[Path]) -> Copies:
    """Look at every copy of a home's database, and at what else is named. Changes nothing.

    Raises :class:`UsageError` for a path that is not there.
    """
    asked = [_named(path) for path in named]
    reader = _Reader(run, Memory.of(run))
    usual = default_root({}, run.environment.user_home, run.environment.platform)
    found = _once(run, [*asked, *every_copy(run.home, (usual,))])
    copies = reader.inspected([(copy, identity_of(copy.path)) for copy in found])
    try:
        seen = ask_scene(run, lambda scene: reader.held_against(scene, copies))
    except (DatabaseUnreadable, NoInstall, Refused) as error:
        seen = Copies(copies, None, error.message)
    reader.memory.keep()
    return seen


def _named(path: Path) -> DatabaseCopy:
    """Return what a path names: a file, a captured -wal, another home."""
    path = path.absolute()
    if path.is_dir():
        if is_capture(path):
            main = path / DATABASE
            wal = main.with_name(f"{DATABASE}-wal")
            return DatabaseCopy(CopyKind.CAPTURE, main if main.exists() else wal)
        if (path / DATABASE).is_file():
            return DatabaseCopy(CopyKind.HOME, path / DATABASE)
        raise UsageError(f"{path} has no state.db.", "Name a database, or a folder that holds one.")
    if not path.is_file():
        raise UsageError(
            f"There is no file {path}.", "Name a database, or a folder that holds one."
        )
    return DatabaseCopy(CopyKind.ARCHIVE if path.suffix == ".zip" else CopyKind.NAMED, path)


def _once(run: Run, copies: Iterable[DatabaseCopy]) -> Iterator[DatabaseCopy]:
    """Yield every file once, whatever it is called, and this home's own not at all."""
    seen = {file_identity(run.home.database)}
    for copy in copies:
        identity = file_identity(copy.path)
        if identity is not None and identity not in seen:
            seen.add(identity)
            yield copy


class _Reader:
    """Reads copies, each state of a file once."""

    def __init__(self, run: Run, memory: Memory) -> None:
        self.memory = memory
        self._run = run
        self._tell = run.environment.now_and_then()

    def inspected(self, copies: Sequence[tuple[DatabaseCopy, Identity]]) -> tuple[KnownCopy, ...]:
        """Return every copy with what it holds; of such with the same bytes one is read."""
        first: dict[object, KnownCopy] = {}
        alike = Counter(self._sample(*copy) for copy in copies)
        known = []
        for copy, identity in copies:
            content = self._sample(copy, identity)
            if alike[content] > 1:
                content = (content, self._digest(copy, identity))
            one = first.get(content)
            if one is None:
                inspected = self._inspect(copy, identity)
                one = first[content] = KnownCopy(copy, identity, inspected)
                known.append(one)
            else:
                known.append(KnownCopy(copy, identity, one.inspected, same_as=one.copy))
        return tuple(known)

    def _sample(self, copy: DatabaseCopy, identity: Identity) -> object:
        """Return what tells a copy from others; what somebody may write to is like no other."""
        if copy.kind.in_use or identity.sides:
            return copy.path
        try:
            return self._remembered(identity, "sample", lambda: sample(copy.path))
        except OSError:
            return copy.path

    def _digest(self, copy: DatabaseCopy, identity: Identity) -> object:
        self._tell(f"comparing {copy.named}")
        return self._remembered(identity, "digest", lambda: digest(copy.path))

    def _remembered(self, identity: Identity, what: str, read: Callable[[], str]) -> str:
        known = self.memory.recall(identity, what)
        if not isinstance(known, str):
            known = read()
            self.memory.remember(identity, what, known)
        return known

    def _inspect(self, copy: DatabaseCopy, identity: Identity) -> Inspected:
        known = inspected_from(self.memory.recall(identity, "holds"))
        if known is not None:
            return known
        self._tell(f"checking {copy.named}")
        inspected = _inspect(copy)
        if inspected.state is not State.CLOSED and not copy.kind.in_use:
            self.memory.remember(identity, "holds", as_json(inspected))
        return inspected

    def held_against(self, scene: Scene, copies: Sequence[KnownCopy]) -> Copies:
        """Return the copies with what each has that the home has not."""
        if not readable(scene):
            why = scene.file.unreadable or "it has no conversations"
            return Copies(tuple(copies), None, f"state.db cannot be read: {why}")
        marks = None if scene.look.live else read_file_status(scene.home).marks
        notes: list[str] = []
        compared: dict[DatabaseCopy, Difference | None] = {}
        for one in copies:
            if one.same_as is None and one.can_be_compared:
                compared[one.copy] = self._difference(scene, one, marks, notes)
        return Copies(
            tuple(replace(one, compared=compared.get(one.same_as or one.copy)) for one in copies),
            facts(scene),
            notes=(*scene.notes, *notes),
        )

    def _difference(
        self, scene: Scene, one: KnownCopy, marks: str | None, notes: list[str]
    ) -> Difference | None:
        what = f"against:{marks}"
        if marks is not None and not one.copy.kind.in_use:
            known = difference_from(self.memory.recall(one.identity, what))
            if known is not None:
                return known
        self._tell(f"comparing {one.copy.named} with state.db")
        try:
            difference = self._held(scene, one)
        except HermesRepairError as error:
            if one.inspected.state is State.UNREADABLE:
                return None  # what it says of itself is enough
            notes.append(f"{one.copy.named} could not be compared: {error.message}")
            return None
        if marks is not None and not one.copy.kind.in_use:
            self.memory.remember(one.identity, what, as_json(difference))
        return difference

    def _held(self, scene: Scene, one: KnownCopy) -> Difference:
        """Compare what a merge would read: what can be salvaged, a -wal by its own pages, an older
        schema as it becomes this one.
        """
        copy, schema = one.copy, scene.recognition.number
        if one.is_at(schema) or copy.kind is CopyKind.ARCHIVE:
            with open_copy(copy) as look:
                return _as_difference(copy, held_against(scene, look, _history(copy)))
        places = find_sources(scene.home, [copy.named])
        with opened(self._run, places, schema, scene.look) as sources:
            compared = (hold(scene, source, frozenset()).comparison for source in sources)
            return max((_as_difference(copy, one) for one in compared), key=_amount)


def _amount(difference: Difference) -> int:
    shares = (difference.never_here, difference.unknown, difference.removed_or_lost)
    return sum(share.messages for share in shares)


def _history(copy: DatabaseCopy) -> ReceiptHistory | None:
    """Return what our records of another home say of it, None where they may be elsewhere."""
    if copy.kind.in_use:
        return gather(folder_of(open_home(copy.path.parent)))
    return NO_HISTORY if copy.kind is CopyKind.CAPTURE else None


def _inspect(copy: DatabaseCopy) -> Inspected:
    if copy.wal_alone:
        return Inspected(State.WAL_ALONE)
    if copy.kind is CopyKind.NAMED and is_export(copy.path):
        return Inspected(State.EXPORT)
    try:
        with open_copy(copy) as look:
            contents = read_contents(look)
            damage = () if look.live else soundness(look).damage
    except NoCopy as error:
        return Inspected(State.UNREADABLE, unreadable_because(error))
    except DatabaseUnreadable as error:
        return Inspected(State.DAMAGED, unreadable_because(error))
    except (HermesRepairError, OSError) as error:
        return Inspected(State.CLOSED, unreadable_because(error))
    if damage:
        return Inspected(State.DAMAGED, damage[0], contents)
    return Inspected(State.SOUND, contents=contents)


def _as_difference(copy: DatabaseCopy, compared: Comparison) -> Difference:
    """Return what a copy has of its own by the three words.

    What an earlier state of this very file has was here, also where its ids alone do not say so;
    and so was what our own backup of this home has.
    """
    earlier = compared.relation is Relation.ANCESTOR
    held = {
        "never_here": "removed_or_lost" if copy.kind is CopyKind.BACKUP else "never_here",
        "removed_or_lost": "removed_or_lost",
        "unknown": "removed_or_lost" if earlier else "unknown",
    }
    sessions: dict[str, dict[str, None]] = {word: {} for word in held}
    messages = Counter[str]()
    for id, verdict in compared.verdicts.items():
        for word, share in held.items():
            if number := getattr(verdict.rows, word):
                sessions[share][id] = None
                messages[share] += number
    asked = [id for id, one in compared.verdicts.items() if one.bring and not one.unasked]
    named = dict.fromkeys([*(id for ids in sessions.values() for id in ids), *asked])
    return Difference(
        compared.relation.value,
        **{word: Share(tuple(sessions[word]), messages[word]) for word in held},
        brought=tuple(verdict.session_id for verdict in compared.brings),
        asked=tuple(asked),
        chats=tuple(
            Chat(node.id, node.started_at, node.source, node.rows)
            for id in named
            if (node := compared.source.sessions.get(id)) is not None
        ),
    )
