"""Files that hold messages beside the transcripts: copies of them, logs, request dumps, the spool.

``backfill --report`` tells what each of them has, stale or not. What a session log has that can be
put back is :mod:`hermes_repair.evidence.compared_transcripts`' answer and imported when asked for;
nothing is imported from the others: a request dump holds what was sent, not what was said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hermes_repair.evidence.compared_transcripts import as_transcript, rows_of
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import Home
from hermes_repair.transcripts.message_keys import Key
from hermes_repair.transcripts.sequences import FileSequence, read_sequence
from hermes_repair.transcripts.session_files import (
    FileKind,
    Listing,
    LogFile,
    TranscriptFile,
    list_sessions,
    list_spool,
    read_dump,
    read_log,
    read_spool,
)
from hermes_repair.transcripts.session_files import spooled_session as session_of_spool

SPOOL = "pending_messages"
KINDS = frozenset(FileKind) - {FileKind.TRANSCRIPT}


@dataclass(frozen=True, slots=True)
class AuxiliaryFile:
    """What one file holds of one session. ``only_here`` of its ``messages`` are nowhere else.

    ``offered`` of those `backfill` puts back when the session is named (a log's alone). ``kind`` is
    ``copy``, ``log``, ``dump`` or ``spool``; ``problem`` says why it could not be read.
    """

    kind: str
    session_id: str | None
    path: str
    messages: int = 0
    only_here: int = 0
    offered: int = 0
    problem: str | None = None


def listings(home: Home) -> tuple[Listing, ...]:
    """Return the folders that hold such files, each once."""
    folders = dict.fromkeys((home.sessions_dir, home.logs_dir))
    return (*(list_sessions(folder) for folder in folders), list_spool(home.root / SPOOL))


def read_json(kind: FileKind, path: str, home: Home) -> LogFile:
    """Read a log, dump or spool file of the home. Raises ``OSError`` as opening does."""
    read = {FileKind.LOG: read_log, FileKind.DUMP: read_dump, FileKind.SPOOL: read_spool}[kind]
    return read(home.root / path)


def find_auxiliary_files(
    scene: Scene, kinds: Collection[FileKind] = KINDS
) -> Iterator[AuxiliaryFile]:
    """Compare every file of these kinds with the rows and the transcript of its session."""
    known: dict[str, frozenset[Key]] = {}
    meant = scene.look_options.sessions
    for listing in (*scene.session_files.values(), list_spool(scene.home.root / SPOOL)):
        for file in listing.files:
            if file.kind not in kinds or as_transcript(scene, file) is not None:
                continue
            kind, name, session_id = file.kind.value, file.path.name, file.session_id
            try:
                session_id, sequence = _read(file, scene.home)
            except OSError as error:
                problem = file.problem or error.strerror or type(error).__name__
                yield AuxiliaryFile(kind, session_id, name, problem=problem)
                continue
            if meant and session_id not in meant:
                continue
            if session_id is not None and session_id not in known:
                known[session_id] = _known(scene, session_id)
            elsewhere = known.get(session_id or "", frozenset())
            genuine = sequence.genuine()
            only = sum(sequence.keys[place] not in elsewhere for place in genuine)
            damaged = "parts of it are damaged" if sequence.bad else None
            offered = _offered(scene, session_id) if file.kind is FileKind.LOG else 0
            yield AuxiliaryFile(kind, session_id, name, len(genuine), only, offered, damaged)


def _read(file: TranscriptFile, home: Home) -> tuple[str | None, FileSequence]:
    """Return the session and the messages of a file. Raises ``OSError`` where it is none."""
    if file.problem is not None:
        raise OSError(file.problem)
    if file.kind is FileKind.COPY:
        return file.session_id, read_sequence(file.path)
    log = read_json(file.kind, str(file.path), home)
    return file.session_id or session_of_spool(log.header), log.sequence


def _offered(scene: Scene, session_id: str | None) -> int:
    answer = scene.logs.get(session_id or "")
    comparison = answer.comparison if answer is not None else None
    return comparison.counts.missing if comparison is not None else 0


def _known(scene: Scene, session_id: str) -> frozenset[Key]:
    """Return the keys of all messages of a session, in the database and in its transcript."""
    keys = set(rows_of(scene, session_id).keys)
    answer = scene.comparisons.answers.get(session_id)
    if answer is not None and answer.problem is None:
        try:
            keys.update(read_sequence(answer.file.path).keys)
        except OSError as error:
            scene.notes.append(f"{answer.file.path.name} could not be read: {error.strerror}.")
    return frozenset(keys)
