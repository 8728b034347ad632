"""Messages whose rows are gone, from the text that the search index of schemas 11 to 22 keeps."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from hermes_repair.model.values import Row
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.salvaged_rows import SalvagedRow


class PartOfMessage(NamedTuple):
    """What is known of a message that is gone, where that is too little for a row.

    ``known`` by column name; ``text`` is what the search index has: content, tool_name and
    tool_calls in one, where they cannot be told apart. None where it has nothing.
    """

    rowid: int
    known: Row
    text: str | None


def copied_messages(
    image: PageImage, assignment: Assignment, read: Container[int]
) -> Iterator[SalvagedRow | PartOfMessage]:
    """Yield the messages that are not among ``read`` and that the search copy has, by rowid.

    A row (marked SEARCH_COPY) where all columns that must not be NULL are known: session and time
    by an index, the role by the text. Otherwise a part. Nothing for schemas without a copy.
    """
    raise NotImplementedError
