"""One look at every page of a damaged database: what it is, and which tree it hangs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hermes_repair.salvage.leaves import Leaf, PageKind, SchemaRow, Tree
from hermes_repair.salvage.page_image import PageImage


class Survey:
    """What the pages of one image are. A few bytes per page are kept, no content.

    ``trees`` by root: those that sqlite_master names, and those whose topmost page nothing points
    to. ``schema_rows``: every row of sqlite_master that any page holds, freed ones included, the
    more trusted first.
    """

    schema_rows: tuple[SchemaRow, ...]
    trees: Mapping[int, Tree]

    def kind(self, page: int) -> PageKind:
        """Return what a page is."""
        raise NotImplementedError

    def count(self, kind: PageKind) -> int:
        """Return how many pages are of a kind."""
        raise NotImplementedError

    def leaves(self) -> Iterator[Leaf]:
        """Yield every page with rows but the freed ones: tree after tree in key order, named trees
        first, then those that hang in none, by page number."""
        raise NotImplementedError

    def leaves_of(self, root: int) -> Iterator[Leaf]:
        """Yield the pages with rows of one tree in key order."""
        raise NotImplementedError

    def freed(self) -> Iterator[Leaf]:
        """Yield the pages with rows that the freelist lists, by page number: deleted content."""
        raise NotImplementedError

    def leaf(self, page: int) -> Leaf | None:
        """Return a page with rows, freed or not; None where the page has none."""
        raise NotImplementedError


def survey(image: PageImage, progress: Callable[[int], None] = lambda page: None) -> Survey:
    """Look at every page once, then walk the trees.

    ``progress`` is called now and then with the number of pages that were looked at.
    """
    raise NotImplementedError
