"""What the builder says about the home that it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.scenario.talk import Message

# Chats of 0.13.0 and 0.14.0 that lost rows which their JSONL has, and whose rows prove that nothing
# was taken out of them: repair gives them back unasked.
RESTORED = (
    "middle",  # three turns whose database writes failed
    "tail_lost",  # its last turns went with a database copied without -wal
    "tail_lost_went_on",  # the same, then one turn under 0.15.2
)
# Chats that lost rows too, but that a delete could have left as they are: given back when asked.
ASKED = (
    "front_big",  # 996 messages in the JSONL, the last 2 in SQLite (Hermes #3212): older than it
    "front_small",  # the same way, 3 turns in SQLite, then one under 0.15.2
    "all_missing",  # a session row without messages, message_count as it was; ids are missing
    "all_missing_went_on",  # the same, then one turn under 0.15.2
    "only_in_file",  # no session row, older than message id 1
    "only_in_file_went_on",  # the same; its turn under 0.15.2 made a fresh row
    "torn_front",  # front missing, and the file's last line (a whole turn) torn
)
LOST = RESTORED + ASKED
# Chats that SQLite has whole.
WHOLE = (
    "complete",
    "complete_went_on",
    "file_shorter",  # killed between the two writes: one turn is in SQLite alone
    "torn",  # killed in the last line; SQLite has that message
)
# Chats that look damaged and are as the user wants them, or cannot be told apart from that.
STAYS = (
    "undone",  # cut at the end by /undo of 0.15.2
    "undone_asked_again",  # two undos, then the last question and answer again, word for word
    "deleted",  # /new, then deleted in the dashboard: the file stays
    "deleted_recreated",  # deleted in the dashboard while routed: the next turn made a row
)
CASES = LOST + WHOLE + STAYS
# Of all these, the chats that went on for one turn under 0.15.2.
WENT_ON = (
    "front_small",
    "middle",
    "all_missing_went_on",
    "only_in_file_went_on",
    "torn_front",
    "complete_went_on",
    "file_shorter",
    "tail_lost_went_on",
)
# Sessions of 0.15.2 in which nothing is wrong.
HEALTHY = ("chain", "chain_child", "cli", "delegate", "cron")


@dataclass(frozen=True, slots=True)
class Chat:
    """One of ``CASES``. Messages are dicts as the release or the agent had them."""

    case: str
    session_id: str
    shown: tuple[Message, ...]
    """What the real 0.14.0 ``load_transcript`` gave before the update to 0.15.2."""
    later: tuple[Message, ...]
    """What was said after that: under 0.15.2, and a turn whose line was torn."""
    left: tuple[Message, ...]
    """What the real 0.15.2 ``load_transcript`` gives of the damaged home."""

    @property
    def whole(self) -> tuple[Message, ...]:
        """The conversation as it should read again (of a case in ``LOST`` or ``WHOLE``)."""
        return self.shown + self.later


@dataclass(frozen=True, slots=True)
class Fork:
    """A parent that 0.15.2 compressed twice; all ids of sessions."""

    parent: str
    live: str
    """The continuation that ``sessions/sessions.json`` names; it has the latest message."""
    hidden: str
    """The other one, created 2.5 s later; it has turns of its own that nobody sees."""
    title: str
    """The parent's title; ``live`` has ``<title> #2``, ``hidden`` ``<title> #3``."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The damaged home: schema 13, at rest. ``dataclasses.replace(home=...)`` names a copy."""

    home: Path
    now: float
    timezone: str
    """The zone of the JSONL's naive times, as a name for ``--timezone``."""
    chats: Mapping[str, Chat]
    fork: Fork
    orphan_child: str
    """A chat's routed continuation; the row of ``orphan_parent`` and its messages are gone."""
    orphan_parent: str
    closed_parent: str
    """Ended by compression eight days before ``now``, without a continuation; still routed."""
    healthy: Mapping[str, str]
    """``HEALTHY`` name to session id."""
    birth: float
    """When message id 1 of the present database was written."""

    @property
    def database(self) -> Path:
        """Return ``state.db``."""
        return self.home / "state.db"

    def transcript(self, case: str) -> Path:
        """Return the JSONL file of ``case``."""
        return self.home / "sessions" / f"{self.chats[case].session_id}.jsonl"
