"""A damaged database as a whole: pages, trees, tables and witnesses, opened one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hermes_repair.model.values import RawText
from hermes_repair.salvage.account import MESSAGES, Account
from hermes_repair.salvage.assignment import Assignment, UnassignedPage
from hermes_repair.salvage.bundle import Bundle
from hermes_repair.salvage.cells import Cell, cells
from hermes_repair.salvage.column_orders import KnownTables
from hermes_repair.salvage.page_image import PageImage, open_image
from hermes_repair.salvage.page_survey import Survey, survey
from hermes_repair.salvage.salvaged_rows import Refused, SalvagedRow, nothing_refused, rows
from hermes_repair.salvage.search_copy import PartOfMessage, copied_messages
from hermes_repair.salvage.table_roles import assign
from hermes_repair.salvage.witnesses import LostRow, Witnesses

PROGRESS_EVERY = 20_000  # rows
SEARCH = "messages_fts"
"""What the names of the search index begin with. It is derived of the messages, and made anew."""


@dataclass(frozen=True, slots=True)
class DamagedDatabase:
    """What was made of the files of one database."""

    image: PageImage
    survey: Survey
    assignment: Assignment
    witnesses: Witnesses

    def rows(
        self,
        table: str,
        refused: Callable[[Refused], None] = nothing_refused,
        *,
        marked: bool = True,
    ) -> Iterator[SalvagedRow]:
        """Yield the rows of a table; nothing where no page is given to it.

        ``marked``: with their marks, which takes as long as reading them.
        """
        if table in self.assignment.tables:
            yield from rows(
                self.image, self.assignment, table, self.witnesses, refused, marked=marked
            )

    def with_rows(self) -> frozenset[str]:
        """Return the names of the tables that any page is given to."""
        found = self.assignment.tables.values()
        return frozenset(table.name for table in found if table.has_pages)

    def count(self, tables: list[str], tell: Callable[[str], None]) -> Account:
        """Read every row of ``tables`` once, and say what there is and what is lost."""
        account = Account(self.image)
        for name in tables:
            for number, row in enumerate(self.rows(name, account.refuse), 1):
                account.take(row)
                if number % PROGRESS_EVERY == 0:
                    tell(f"{number:,} rows of {name} were read.")
        for name in tables:
            lost = list(self.witnesses.lost(name, account.of(name).ids))
            for copied in self.copied_messages(lost) if name == MESSAGES else ():
                if isinstance(copied, PartOfMessage):
                    account.keep_part(copied)
                else:
                    account.take(copied)
            for one in lost:
                if one.rowid not in account.of(name).filled:
                    account.lose(one)
        return account

    def unassigned_rows(self) -> Iterator[tuple[UnassignedPage, Cell]]:
        """Yield the rows that no table could be named for.

        Rows of sqlite_master are left out, and what holds no text and may only be of the search
        index: it is derived of the messages.
        """
        schema = {row.page for row in self.survey.schema_rows}
        for page in self.assignment.unassigned:
            if page.leaf.page in schema:
                continue
            derived = page.candidates and all(map(_is_derived, page.candidates))
            for cell in cells(self.image, page.leaf):
                if cell.values is not None and not (
                    derived and not any(isinstance(value, str | RawText) for value in cell.values)
                ):
                    yield page, cell

    def copied_messages(self, lost: Iterable[LostRow]) -> Iterator[SalvagedRow | PartOfMessage]:
        """Yield what the search copy has of lost messages."""
        yield from copied_messages(self.image, self.assignment, lost)


def _is_derived(table: str) -> bool:
    return table.startswith(SEARCH) or table == "sqlite_sequence"


@contextmanager
def damaged_database(
    bundle: Bundle,
    tell: Callable[[str], None],
    expected: int | None = None,
    known: KnownTables | None = None,
) -> Iterator[DamagedDatabase]:
    """Open the files of one database and find out what every page is.

    ``expected`` is the schema number to choose where several fit, if it is one of them. ``known``
    are the tables where the schema is lost, those of state.db if none are given.

    Raises :class:`.bundle.NoPages` and ``OSError`` as :func:`.page_image.open_image` does.
    """
    with open_image(bundle) as image:
        tell(f"There are {image.page_count:,} pages of {image.page_size:,} bytes.")
        surveyed = survey(
            image, lambda page: tell(f"{page:,} of {image.page_count:,} pages were looked at.")
        )
        tell("Finding out which table each page is of.")
        assignment = assign(image, surveyed, known, expected)
        tell("Reading the indexes.")
        yield DamagedDatabase(image, surveyed, assignment, Witnesses(image, assignment))
