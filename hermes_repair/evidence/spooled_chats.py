"""What waits in the spool of a home (``pending_messages/``), session by session.

Hermes 0.20 and later write two kinds of files there. One message each (``transcript_cap_drop``, or
the text of somebody that waited for its turn): the gateway appends it at its start and removes the
file, which it cannot where the session has no row. An agent's whole list
(``shutdown-with-unpersisted-agent-history``): no release ever takes that in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hermes_repair.evidence.auxiliary_files import SPOOL, find_auxiliary_files
from hermes_repair.evidence.compared_transcripts import (
    Compared,
    home_facts,
    rows_of,
    session_facts,
)
from hermes_repair.evidence.scene import Scene
from hermes_repair.transcripts.log_comparison import compare_log
from hermes_repair.transcripts.matching import prepare
from hermes_repair.transcripts.session_files import (
    FileKind,
    TranscriptFile,
    list_spool,
    read_log,
    read_spooled,
)


@dataclass(slots=True)
class SpooledChat:
    """What the spool has of one session, empty where a file names none, and nothing else has.

    ``messages`` in ``files``. ``lists`` are whole lists of an agent, the longest first, each with
    what it would bring back. ``times`` are those of the messages that have one.
    """

    session_id: str
    messages: int = 0
    files: int = 0
    lists: list[Compared] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def spooled_chats(scene: Scene) -> Sequence[SpooledChat]:
    """Return the sessions of which the spool has what neither a row nor a transcript has."""
    chats: dict[str, SpooledChat] = {}
    places = {file.path.name: file for file in list_spool(scene.home.root / SPOOL).files}
    for told in find_auxiliary_files(scene, {FileKind.SPOOL}):
        place = places.get(told.path)
        if not told.only_here or place is None:
            continue
        session = told.session_id or ""
        chat = chats.setdefault(session, SpooledChat(session))
        chat.messages += told.only_here
        chat.files += 1
        try:
            _add(scene, chat, place)
        except OSError as error:
            scene.notes.append(f"{told.path} could not be read: {error.strerror}.")
    for chat in chats.values():
        chat.lists.sort(key=lambda one: (-len(one.lines()), one.file.path.name))
    return [chats[session] for session in sorted(chats)]


def _add(scene: Scene, chat: SpooledChat, place: TranscriptFile) -> None:
    """Add what a file tells of its session. Raises ``OSError`` as reading it does."""
    one = read_spooled(place.path).sequence
    sequence = one if len(one) else read_log(place.path).sequence
    chat.times += [time for time in map(sequence.time, range(len(sequence))) if time is not None]
    if len(one) or not chat.session_id:
        return
    session = chat.session_id
    comparison = compare_log(
        prepare(session, sequence, rows_of(scene, session), scene.comparisons.clock),
        session_facts(scene, session),
        home_facts(scene, place),
        ended=False,
        named=True,
    )
    if comparison.fill is not None:
        chat.lists.append(Compared(place, comparison, sequence=sequence))
