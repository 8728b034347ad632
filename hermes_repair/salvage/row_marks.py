"""What is said of a row that salvage read, beside its values."""

from __future__ import annotations

from enum import Enum


class Mark(Enum):
    """What speaks against a row, or why nothing speaks for it."""

    CONTRADICTED = "an index or the search copy says something else of it"
    DISPUTED = "of the indexes and copies some agree with it and some do not"
    UNWITNESSED = "others of its table are in an index or the search copy, and it is not"
    STALE_PAGE = "a later image of its page was lost"
    CARVED = "its page has lost the pointer to it; that it was not deleted is proven by a witness"
    TORN_PAGE = "its page is torn; a witness has the row, and none speaks against it"
    CORRECTED = "its page is of an earlier moment: what a witness says of the row since was put in"
    UNPROVEN_PAGE = "its page comes from the -wal without a checksum that proves it"
    MAYBE_OLDER = "images of unknown pages were lost, maybe of its page and of what speaks for it"
    JOURNAL_CUT = "the journal is cut, so a page of it may be of the write that was never finished"
    NUL = "a text has NUL characters that its copy in the search index does not have"
    NOT_TEXT = "a text is not valid in the encoding of the database"
    MAYBE_FREED = "its page hangs in no tree of the table, so it may have been deleted"
    NO_DEFAULT = "it lacks a column that SQLite could not have added to a table with rows"
    SEARCH_COPY = "it is not a row that was read: the search copy and an index say it"
