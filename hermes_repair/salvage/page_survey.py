"""One look at every page of a damaged database: what it is, and which tree it hangs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from hermes_repair.salvage.btree_page import HIGHEST, LOWEST
from hermes_repair.salvage.freelist import Freelist, read_freelist
from hermes_repair.salvage.leaves import Leaf, LeafKind, PageKind, SchemaRow, Tree, Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.page_kinds import PageKinds, look_at_pages
from hermes_repair.salvage.schema_rows import schema_rows
from hermes_repair.salvage.tree_walks import Hung, TreeWalks
from hermes_repair.schema.sql_text import tokens

_WITH_ROWS: Mapping[int, LeafKind] = {
    PageKind.TABLE_LEAF: LeafKind.TABLE,
    PageKind.INDEX_LEAF: LeafKind.INDEX,
    PageKind.INDEX_INTERIOR: LeafKind.INDEX,
}
_TRUST = tuple(Trust)  # by its number, which is faster than to ask the class
_TABLE_LEAF, _INDEX_INTERIOR = int(PageKind.TABLE_LEAF), int(PageKind.INDEX_INTERIOR)
_NOTHING = (PageKind.UNREAD, PageKind.ZERO, PageKind.GARBAGE)
_ROWID = ("without", "rowid")


class Survey:
    """What the pages of one image are. Some 25 bytes per page are kept, no content.

    ``trees`` by root: those that sqlite_master names, and those whose topmost page nothing points
    to. ``schema_rows``: every row of sqlite_master that any page holds, freed ones included, the
    more trusted first. ``free_sure``: the freelist is known, and has all free pages. ``begins``:
    what the table leaves begin with, as far as it was kept.
    """

    def __init__(
        self, image: PageImage, seen: PageKinds, freed: bytearray, hung: Hung, *, free_sure: bool
    ) -> None:
        """Take what the two passes have noted; ``freed`` is 1 for each page that is free."""
        self._image, self._kinds, self._freed, self._hung = image, seen.kinds, freed, hung
        self.begins = seen.begins
        self.free_sure = free_sure
        self.trees: Mapping[int, Tree] = hung.trees
        self.schema_rows: tuple[SchemaRow, ...] = ()
        self._end = image.page_count

    def kind(self, page: int) -> PageKind:
        """Return what a page is."""
        if not 0 < page <= self._image.page_count:
            return PageKind.UNREAD
        return PageKind.FREELIST_LEAF if self._freed[page] else PageKind(self._kinds[page])

    def count(self, kind: PageKind) -> int:
        """Return how many pages are of a kind."""
        return sum(self.kind(page) is kind for page in range(1, self._image.page_count + 1))

    @property
    def schema_known(self) -> bool:
        """Whether page 1 was read, and every other page of sqlite_master."""
        master = self.trees.get(1)
        whole = master is not None and master.kind is not None and not master.lost
        return whole and self._image.header is not None

    def unaccounted(self) -> Iterator[int]:
        """Yield the pages that hold nothing readable, and of which nothing tells what they were.

        Neither is such a page free, nor has the tree of a table or index lost it, nor does a cell
        that was read run over it: ask when the rows were read.
        """
        named = [tree for tree in self.trees.values() if tree.named and tree.root != 1]
        lost = {one.page for tree in named for one in tree.lost}
        for page in range(1, min(self._end, self._image.page_count) + 1):
            free = self.free_sure and self._freed[page]
            first = page == 1 and self._image.header is None
            if first or (
                self._kinds[page] in _NOTHING
                and not (free or page in lost or page in self._image.owners)
            ):
                yield page

    @cached_property
    def may_lack_free_pages(self) -> bool:
        """Whether a page that listed free ones may be lost: one holds nothing readable.

        Pages that it listed look like live ones that hang in no tree.
        """
        if self.free_sure:
            return False
        return any(
            page > 1 and self._kinds[page] in _NOTHING and not self._freed[page]
            for page in range(1, min(self._end, self._image.page_count) + 1)
        )

    def is_missed(self, page: int) -> bool:
        """Whether a tree has a page for its own that is something else now, or was before."""
        return page in self._missed

    @cached_property
    def _missed(self) -> frozenset[int]:
        return frozenset(one.page for tree in self.trees.values() for one in tree.lost)

    def leaves(self) -> Iterator[Leaf]:
        """Yield every page with rows but the freed ones.

        Tree after tree in key order, those that the schema names first; then what hangs in no tree,
        by page number.
        """
        for page in self._hung.order:
            yield self._leaf(page)
        for page in self._rootless():
            if not self._is_freed(page):
                yield self._leaf(page)

    def leaves_of(self, root: int) -> Iterator[Leaf]:
        """Yield the pages with rows of one tree in key order."""
        begin, end = self._hung.spans.get(root, (0, 0))
        for at in range(begin, end):
            yield self._leaf(self._hung.order[at])

    def freed(self) -> Iterator[Leaf]:
        """Yield the pages with rows that are free, by page number: deleted content.

        Those that the freelist lists, and those behind the end that page 1 tells.
        """
        for page in self._rootless():
            if self._is_freed(page):
                yield self._leaf(page)

    def leaf(self, page: int) -> Leaf | None:
        """Return a page with rows, freed or not; None where the page has none."""
        here = 0 < page <= self._image.page_count and self._kinds[page] in _WITH_ROWS
        return self._leaf(page) if here else None

    def end_as_told(self) -> None:
        """Count pages behind the end that page 1 tells as free, unless a tree leads to one."""
        header = self._image.header
        told = header.pages if header is not None else None
        trust = self._hung.trust
        known = (page for page in self._hung.order if trust[page] == Trust.TREE)
        if told and not any(page > told for page in known):
            self._end = told

    def _rootless(self) -> Iterator[int]:
        kinds, root = self._kinds, self._hung.root
        for page in range(1, self._image.page_count + 1):
            if kinds[page] in _WITH_ROWS and not root[page]:
                yield page

    def _is_freed(self, page: int) -> bool:
        return bool(self._freed[page]) or page > self._end

    def _leaf(self, page: int) -> Leaf:
        hung = self._hung
        kind = self._kinds[page]
        low = high = None
        if kind == _TABLE_LEAF:
            low, high = hung.low[page], hung.high[page]
        root = hung.root[page] or None
        freed = root is None and self._is_freed(page)
        return Leaf(
            page,
            _WITH_ROWS[kind],
            root,
            Trust.FREED if freed else _TRUST[hung.trust[page]],
            None if low == LOWEST else low,
            None if high == HIGHEST else high,
            page in self._image.stale,
            kind == _INDEX_INTERIOR,
            page in hung.headless,
        )


def survey(image: PageImage, progress: Callable[[int], None] = lambda page: None) -> Survey:
    """Look at every page once, then walk the trees.

    ``progress`` is called now and then with the number of pages that were looked at.
    """
    seen = look_at_pages(image, progress)
    free = read_freelist(image, seen.trunks)
    freed = _flags(image, seen, free)
    walks = TreeWalks(image, seen, freed, free.sure)
    found = Survey(image, seen, freed, walks.hung, free_sure=free.sure)
    master = walks.walk(1, LeafKind.TABLE, named=True)
    pages = {*seen.schema, *(page for page in (1,) if page in walks.hung.headless)}
    rows = [row for page in sorted(pages) for row in schema_rows(image, found._leaf(page))]
    rows.sort(key=lambda row: (-row.trust, row.stale, row.rowid))
    found.schema_rows = tuple(rows)
    for row in rows:
        orphan = row.trust is not Trust.TREE
        if row.trust is Trust.FREED or (orphan and not master.lost) or row.root in walks.hung.trees:
            continue
        if row.root and not (orphan and walks.is_reached(row.root)):
            walks.walk(row.root, _kind_of(row), named=True)
    for page in walks.parentless():
        walks.walk(page, None, named=False)
    found.end_as_told()
    return found


def _flags(image: PageImage, seen: PageKinds, free: Freelist) -> bytearray:
    """Return 1 for every page that is listed as free, and mark the trunks as what they are."""
    freed = bytearray(image.page_count + 1)
    for page in free.trunks:
        seen.kinds[page] = PageKind.FREELIST_TRUNK
    for page in free.listed:
        freed[page] = 1
    return freed


def _kind_of(row: SchemaRow) -> LeafKind:
    """Return which kind of b-tree a row of the schema has."""
    if row.type == "index":
        return LeafKind.INDEX
    words = tuple(tokens(row.sql or ""))
    without = any(words[at : at + 2] == _ROWID for at in range(len(words) - 1))
    return LeafKind.INDEX if without else LeafKind.TABLE
