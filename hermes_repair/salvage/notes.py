"""What was met while the files of a database were put together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fact(Enum):
    """What was met while the bundle was put together; ``Note.count`` says how often."""

    PAGE_ONE_UNREAD = "page 1 is no header: page size and encoding were deduced"
    PAGE_ONE_CONTRADICTED = "page 1 tells a size or an encoding that the other pages contradict"
    MAIN_CUT = "the main file ends within a page"
    MAIN_SHORT = "the main file has fewer pages than page 1 or the last commit says"
    WAL_APPLIED = "frames of committed transactions were laid over the main file"
    WAL_UNREADABLE = "the -wal has no frame that can be told to be one"
    WAL_HEADER_LOST = "the header of the -wal is damaged: its values were taken from its frames"
    WAL_FRAME_TORN = (
        "a frame fails its checksum: of its page is read what the frame before it or a witness says"
    )
    WAL_FRAME_MENDED = "a damaged frame was mended, and its checksum proves it"
    WAL_FRAME_LOST = "a frame's header is gone: which page it was for is not known"
    WAL_UNCOMMITTED = "frames after the last commit were left out"
    WAL_EARLIER = "frames of an earlier generation of the -wal were left out"
    WAL_UNPROVEN = "a frame follows one whose header is gone: taken, but no checksum proves it"
    JOURNAL_APPLIED = "pages of the hot journal were put back"
    JOURNAL_RECORD_TORN = (
        "a record of the journal fails its checksum: its page is of a cut-off write"
    )
    JOURNAL_HEADER_LOST = "a header within the journal is damaged: its records prove themselves"
    JOURNAL_CUT = "the journal ends before its last record: pages of the cut-off write may be left"
    JOURNAL_OF_ANOTHER = "the journal was left out: it is not of this file, or not of this state"
    JOURNAL_NOT_HOT = "the journal has no header: its transaction had ended"


@dataclass(frozen=True, slots=True)
class Note:
    """One fact and how often it was met."""

    fact: Fact
    count: int = 1
