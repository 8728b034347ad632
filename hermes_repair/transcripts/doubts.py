"""Why a fill is not SAFE: a closed set of reasons, each with the sentence that a person reads.

The value of a doubt is what reports carry as ``data.doubt``. A value is never reused, so that
scripts and other checks can gather findings of one kind and ask about all of them at once.
"""

from __future__ import annotations

from enum import Enum


class Doubt(Enum):
    """What keeps a fill from being done unasked."""

    BEFORE_DATABASE = "before-this-database"
    MADE_AGAIN = "made-again"
    NO_SESSION = "no-session"
    ORPHANED_ROWS = "rows-without-session"
    IDS_MISSING = "ids-missing"
    IMPORTED = "perhaps-imported"
    REWRITTEN = "rewritten"
    NOT_OF_THEIR_TIME = "rows-not-of-their-lines"
    TAKEN_BACK = "undone-or-compacted"
    BROUGHT_BACK = "brought-back-before"
    RECORD_UNREADABLE = "record-unreadable"
    NO_TIME = "no-time"
    NO_ZONE = "zone-unproven"
    BOTH_SIDES = "both-have-their-own"
    ORDER = "order-differs"
    FILE_CHANGING = "file-changing"
    SESSION_LOG = "session-log"

    @property
    def sentence(self) -> str:
        """One plain sentence, without text of the conversation."""
        return _SENTENCES[self]


_SENTENCES = {
    Doubt.BEFORE_DATABASE: (
        "They are older than this database, so nobody removed them from it; but the database before"
        " it may have been removed on purpose."
    ),
    Doubt.MADE_AGAIN: (
        "The session's row is younger than the missing messages: the session may have been deleted"
        " and created again."
    ),
    Doubt.NO_SESSION: (
        "The session may have been deleted on purpose: nothing proves that it was not."
    ),
    Doubt.ORPHANED_ROWS: (
        "The database has messages of this session, but no row for the session itself."
    ),
    Doubt.IDS_MISSING: (
        "Rows were removed from this database where these messages would have been, as by an undo"
        " or a delete."
    ),
    Doubt.IMPORTED: (
        "This database may have been filled by an import, which leaves no trace of what was undone"
        " before."
    ),
    Doubt.REWRITTEN: (
        "The chat was rewritten after these messages (as /undo and /retry do), so they may have"
        " been undone."
    ),
    Doubt.NOT_OF_THEIR_TIME: (
        "Rows of the chat do not have the times of their lines: the chat was rewritten since (as"
        " /undo and /retry do), or they are other messages with the same words."
    ),
    Doubt.TAKEN_BACK: (
        "The session has undone or compacted messages, and the missing ones may be among them."
    ),
    Doubt.BROUGHT_BACK: (
        "hermes-repair brought some of them back before, and somebody removed them again."
    ),
    Doubt.RECORD_UNREADABLE: (
        "A receipt of hermes-repair cannot be read (RP002): it may have brought them back before,"
        " and somebody removed them again."
    ),
    Doubt.NO_TIME: (
        "Messages in the file have no time (0.13 and 0.14 rewrite files so), "
        "so it cannot be proven that they were not undone."
    ),
    Doubt.NO_ZONE: (
        "The time zone of the file is not proven: fewer than three turns of this home are in both"
        " sources. Give it with --timezone."
    ),
    Doubt.BOTH_SIDES: "The file and the database each have messages that the other lacks.",
    Doubt.ORDER: "The file and the database have the same messages in different order.",
    Doubt.FILE_CHANGING: "The file changed while it was being read.",
    Doubt.SESSION_LOG: "A session log has no times, is often stale and survives every delete.",
}
