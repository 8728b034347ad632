"""``find``: where a conversation is, in words of it; reads what is there, index or no index.

Places: the database (shown, undone, compacted, hidden), transcript files with their line, and every
copy of a database that lies beside it. Ids, dates and places come out; a few words around those
that were sought, and titles, only for a person at a terminal (R9).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from itertools import islice
from pathlib import Path

from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import path_in_home, read_file_status
from hermes_repair.app.open_scene import ask_scene, readable
from hermes_repair.app.salvage_home import salvaging
from hermes_repair.evidence.auxiliary_files import listings, read_json
from hermes_repair.evidence.hermes_search import HermesSearch, Row, hermes_search
from hermes_repair.evidence.opened_copies import open_copy, unreadable_because
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import Home
from hermes_repair.home.other_databases import DatabaseCopy, every_copy
from hermes_repair.host.file_samples import digest, sample
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import DatabaseUnreadable, HermesRepairError, UsageError
from hermes_repair.model.values import number, text
from hermes_repair.model.words import SessionLabel, count
from hermes_repair.salvage.account import MESSAGES
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.look import Look
from hermes_repair.store.private_copies import scratch
from hermes_repair.transcripts.message_keys import Key, content_text, make_key, stored_text
from hermes_repair.transcripts.reader import BadLine, TranscriptReader, decode_record
from hermes_repair.transcripts.session_files import FileKind, TranscriptFile, spooled_session
from hermes_repair.transcripts.source_bytes import read_bytes

AROUND = 25  # characters before the word that was sought, and half as many as after it
SAME_NAMED = 5  # copies with the same bytes that a message is said to be in
AT_ONCE = 500  # messages that Hermes' search is asked about together


@dataclass(frozen=True, slots=True)
class Place:
    """One message that holds all the words.

    ``where`` is ``database``, ``file`` or ``copy``; ``path`` names the file for the latter two,
    relative to the home where it lies inside. ``line`` counts from 1. ``state`` says how a release
    shows it: ``shown``, ``undone``, ``compacted``, ``hidden`` or nothing. ``at`` is epoch seconds
    or the text of the file. ``indexed`` is whether Hermes' search index has an entry of it, None
    where there is no index to ask. ``search`` is whether Hermes' own search for the same words
    would show it, None where that is not known; ``search_reason`` says why not
    (:class:`~hermes_repair.evidence.hermes_search.Why`). Both are only told of the database.
    ``key`` is equal for one message in several places, ``snippet`` has the words around the first
    that was sought, where they are wanted: neither is for a document.
    """

    where: str
    session_id: str
    role: str
    at: float | str | None
    path: str = ""
    line: int | None = None
    id: int | None = None
    state: str = ""
    indexed: bool | None = None
    search: bool | None = None
    search_reason: str = ""
    key: Key = field(default=b"", repr=False)
    snippet: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found, and what could not be looked at.

    ``titled`` are the sessions whose title has the words, ``labels`` say of those in the database
    when and where they were.
    """

    places: tuple[Place, ...]
    notes: tuple[str, ...]
    titled: tuple[str, ...] = ()
    labels: Mapping[str, SessionLabel] = field(default_factory=dict)

    @property
    def messages(self) -> tuple[tuple[Place, ...], ...]:
        """The places of each message together, messages of one session behind each other."""
        return one_by_one(self.places)


def one_by_one(places: Iterable[Place]) -> tuple[tuple[Place, ...], ...]:
    """Return the places of each message of a session together.

    A message that is there twice in one place, such as "yes", is two: the second in a file is the
    second in the database.
    """
    messages: dict[str, dict[tuple[Key, int], list[Place]]] = {}
    times: Counter[tuple[str, str, str, Key]] = Counter()
    for place in places:
        here = (place.where, place.path, place.session_id, place.key)
        times[here] += 1
        own = messages.setdefault(place.session_id, {})
        own.setdefault((place.key, times[here]), []).append(place)
    return tuple(tuple(same) for own in messages.values() for same in own.values())


class Words:
    """All words of a search, without regard to case and white space.

    ``snippets``: also keep what stands around the first of them.
    """

    def __init__(self, words: str, *, snippets: bool = False) -> None:
        self._snippets = snippets
        self._wanted = [word.casefold() for word in words.split()]
        if not self._wanted:
            raise UsageError(
                "There is nothing to search for.", advice('{} "some words"', command("find"))
            )

    def match(self, content: str) -> bool:
        """Whether all words are in the text."""
        folded = content.casefold()
        return all(word in folded for word in self._wanted)

    def around(self, content: str) -> str:
        """Return some words of a text around the first that is sought; nothing if not wanted."""
        if not self._snippets:
            return ""
        at = re.search(re.escape(self._wanted[0]), content, re.IGNORECASE)
        first, last = at.span() if at else (0, 0)
        start, stop = max(0, first - AROUND), last + 2 * AROUND
        if start and (gap := re.search(r"\s", content[start - 1 : first])):  # no half a word
            start += gap.start()
        if stop < len(content) and (gap := re.search(r"\s\S*$", content[last : stop + 1])):
            stop = last + gap.start()
        text = " ".join(content[start:stop].split())
        return f"{'…' if start else ''}{text}{'…' if stop < len(content) else ''}"


def find(run: Run, words: str, *, snippets: bool = False) -> Found:
    """Look in every place. Changes nothing. ``snippets``: for a person who may see the words."""
    search = Words(words, snippets=snippets)

    def look(scene: Scene) -> Found:
        if scene.file.unreadable is not None:
            raise DatabaseUnreadable(f"state.db cannot be read: {scene.file.unreadable}")
        if not readable(scene):
            return Found((), tuple(scene.notes))
        places = tuple(_in_database(scene, words, search))
        titled = tuple(node.id for node in scene.nodes if node.title and search.match(node.title))
        labels = {
            node.id: SessionLabel(node.started_at, node.source, node.active_rows, node.title)
            for node in scene.nodes
        }
        return Found(places, tuple(scene.notes), titled, labels)

    try:
        first = ask_scene(run, look)
    except DatabaseUnreadable as error:
        first = _in_what_can_be_read(run, search, error)
    places, notes = list(first.places), list(first.notes)
    for file in _files(run.home, notes):
        places += _in_file(run.home, file, search, notes)
    places += _in_copies(run.home, search, notes)
    there = {place.session_id for place in places}.union(first.titled)
    labels = {session: label for session, label in first.labels.items() if session in there}
    return Found(tuple(places), tuple(notes), first.titled, labels)


def _in_what_can_be_read(run: Run, search: Words, damage: DatabaseUnreadable) -> Found:
    """Search what can be salvaged of a damaged database, in a private copy.

    What Hermes' own search makes of it is not asked: no release opens the file.
    """
    try:
        file_status = read_file_status(run.home)
        with (
            salvaging(run) as reading,
            scratch(2 * sum(astuple(file_status.sides))) as place,
        ):
            made = reading.make(place / "state.db")
            with main_alone(made.database) as look:
                places = tuple(_messages(look, search)) if look.has("messages") else ()
    except HermesRepairError as error:
        return Found((), (damage.message, f"It was not searched: {error.message}"))
    messages = made.ledger.table(MESSAGES)
    note = f"state.db is damaged: {count(messages.read, 'message')} can be read and were searched"
    lost = f", {messages.lost_rows:,} are lost" if messages.lost_rows else ""
    return Found(places, (f"{note}{lost}.",))


def _in_database(scene: Scene, words: str, sought: Words) -> Iterator[Place]:
    hidden = {node.id for node in scene.nodes if node.delegate_from is not None or node.archived}
    with hermes_search(scene, words) as search:
        places = _messages(scene.look, sought)
        while some := list(islice(places, AT_ONCE)):
            for place in _searched(some, search):
                is_hidden = place.state == "shown" and place.session_id in hidden
                yield replace(place, state="hidden") if is_hidden else place


def _searched(places: Sequence[Place], search: HermesSearch) -> Iterator[Place]:
    """Add what Hermes' own search makes of messages."""
    rows = [
        Row(
            place.id,
            place.session_id,
            place.role,
            active=place.state == "shown",
            compacted=place.state == "compacted",
        )
        for place in places
        if place.id is not None
    ]
    answers = {row.id: answer for row, answer in zip(rows, search.answers(rows), strict=True)}
    for place in places:
        answer = answers.get(place.id) if place.id is not None else None
        if answer is None:
            yield place
            continue
        why = answer.why.value
        yield replace(place, indexed=answer.indexed, search=answer.shows, search_reason=why)


def _messages(look: Look, sought: Words) -> Iterator[Place]:
    columns = look.columns("messages")
    flags = ", ".join(name if name in columns else "NULL" for name in ("active", "compacted"))
    for id, session, role, content, at, active, compacted in look.scan(
        f"id, session_id, role, content, timestamp, {flags}", "messages"
    ):
        words = stored_text(content)
        if not sought.match(words):
            continue
        shown = active is None or active == 1
        state = "shown" if shown else "compacted" if compacted else "undone"
        yield Place(
            where="database",
            session_id=text(session) or "",
            role=text(role) or "",
            at=number(at),
            id=id if isinstance(id, int) else None,
            state=state,
            key=make_key(text(role) or "", words, "", ""),
            snippet=sought.around(words),
        )


def _files(home: Home, notes: list[str]) -> Iterator[TranscriptFile]:
    for listing in listings(home):
        if listing.problem is not None:
            notes.append(f"A folder of transcripts could not be listed: {listing.problem}.")
        for file in listing.files:
            if file.problem is None:
                yield file
            else:
                notes.append(f"{file.path.name} could not be read: {file.problem}.")


def _in_file(home: Home, file: TranscriptFile, sought: Words, notes: list[str]) -> Iterator[Place]:
    try:
        if file.kind in (FileKind.TRANSCRIPT, FileKind.COPY):
            yield from _in_transcript(home, file, sought)
        else:
            yield from _in_log(home, file, sought)
    except OSError as error:
        notes.append(f"{file.path.name} could not be read: {error.strerror or error}.")


def _in_transcript(home: Home, file: TranscriptFile, sought: Words) -> Iterator[Place]:
    line, counted = 1, 0
    for record in TranscriptReader(file.path):
        if isinstance(record, BadLine):
            continue
        words = content_text(record.message.get("content"))
        if sought.match(words):
            line += _lines_between(file.path, counted, record.offset)
            counted = record.offset
            yield _place(home, file, record.message, line, words, sought)


def _lines_between(path: Path, start: int, stop: int) -> int:
    return read_bytes(path, start, stop - start).count(b"\n")


def _in_log(home: Home, file: TranscriptFile, sought: Words) -> Iterator[Place]:
    log = read_json(file.kind, str(file.path), home)
    session_id = file.session_id or spooled_session(log.header)
    file = replace(file, session_id=session_id)
    sequence = log.sequence
    line, counted = 1, 0
    for offset, length in zip(sequence.offsets, sequence.lengths, strict=True):
        message = decode_record(read_bytes(file.path, offset, length))
        words = content_text(message.get("content"))
        if sought.match(words):
            line += _lines_between(file.path, counted, offset)
            counted = offset
            yield _place(home, file, message, line, words, sought)


def _place(  # noqa: PLR0913 - a message, where it lies, and what was sought
    home: Home,
    file: TranscriptFile,
    message: dict[str, object],
    line: int,
    words: str,
    sought: Words,
) -> Place:
    stamp, role = message.get("timestamp"), message.get("role")
    return Place(
        where="file",
        session_id=file.session_id or "",
        role=role if isinstance(role, str) else "",
        at=stamp if isinstance(stamp, str | int | float) else None,
        path=path_in_home(home, file.path),
        line=line,
        key=make_key(role if isinstance(role, str) else "", words, "", ""),
        snippet=sought.around(words),
    )


def _in_copies(home: Home, sought: Words, notes: list[str]) -> Iterator[Place]:
    """Search every copy, such with the same bytes once: some of them are named, all counted."""
    copies = {copy: _sample(copy) for copy in every_copy(home)}
    repeated = Counter(copies.values())
    searched: dict[object, tuple[DatabaseCopy, list[Place]]] = {}
    alike: Counter[DatabaseCopy] = Counter()
    for copy, content in copies.items():
        if repeated[content] == 1:
            yield from _in_copy(home, copy, sought, notes)
            continue
        content = (content, digest(copy.path))
        if content not in searched:
            searched[content] = copy, list(_in_copy(home, copy, sought, notes))
            yield from searched[content][1]
            continue
        first, places = searched[content]
        alike[first] += 1
        if alike[first] < SAME_NAMED:
            path = path_in_home(home, copy.named)
            yield from (replace(place, path=path) for place in places)
    for first, others in alike.items():
        if others >= SAME_NAMED:
            same = count(others, "other copy")
            notes.append(f"{path_in_home(home, first.named)} has the same bytes as {same}.")


def _sample(copy: DatabaseCopy) -> object:
    """Return a mark that copies with the same bytes share; of one that is in use its path."""
    wal = copy.path.with_name(f"{copy.path.name}-wal")
    if copy.kind.in_use or wal.exists():
        return copy.path
    try:
        return sample(copy.path)
    except OSError:
        return copy.path


def _in_copy(home: Home, copy: DatabaseCopy, sought: Words, notes: list[str]) -> Iterator[Place]:
    name = path_in_home(home, copy.named)
    try:
        with open_copy(copy) as look:
            for place in _messages(look, sought) if look.has("messages") else ():
                yield replace(place, where="copy", path=name)
    except (HermesRepairError, OSError) as error:
        notes.append(f"{name} could not be searched: {unreadable_because(error)}.")
