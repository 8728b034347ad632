"""The second pass of a survey: which page hangs under which, and what a tree has lost.

A damaged interior page may point anywhere, also into another table (two rows of a search index
stood in ``messages`` of a real home). So every interior page first says what it has below it, a
page that two of them claim goes to the one whose keys it fits, and only then the trees are walked.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from hermes_repair.salvage.btree_page import HIGHEST, LOWEST, children, read_page_header
from hermes_repair.salvage.leaves import LeafKind, Loss, LostPage, PageKind, Tree, Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.page_kinds import PageKinds, note_keys

_MOST_LOST = 100_000
"""Lost pages that are kept, of all trees: a hostile file can name any number."""
_MAY_BE_HEADLESS = (PageKind.GARBAGE, PageKind.OVERFLOW)
_TABLE = (PageKind.TABLE_LEAF, PageKind.TABLE_INTERIOR)
_INDEX = (PageKind.INDEX_LEAF, PageKind.INDEX_INTERIOR)
_FAMILY = (_INDEX, _TABLE)
"""By whether it is of a table."""
_INTERIOR = (PageKind.TABLE_INTERIOR, PageKind.INDEX_INTERIOR)


class _Edge(NamedTuple):
    """A child of an interior page, and the rowids ``low < rowid <= high`` that belong below it."""

    child: int
    low: int
    high: int


@dataclass(slots=True)
class Hung:
    """Where each page with rows hangs; arrays have an entry per page.

    ``order``: all pages with rows that hang in a tree, tree after tree in key order, and ``spans``
    the part of it that each root has.
    """

    root: array[int]
    trust: bytearray
    low: array[int]
    high: array[int]
    order: array[int]
    spans: dict[int, tuple[int, int]]
    trees: dict[int, Tree]
    headless: set[int]


class TreeWalks:
    """Hangs the pages of an image under their parents, and walks the trees."""

    def __init__(self, image: PageImage, seen: PageKinds, freed: bytearray, sure: bool) -> None:
        """Let every interior page that is not free claim its children.

        ``freed``: 1 for each page that the freelist lists; ``sure``: whether that list is whole. A
        tree takes a page from a list that is not.
        """
        size = image.page_count + 1
        self._image, self._seen = image, seen
        self._freed, self._sure = freed, sure
        self._parent = array("I", bytes(4 * size))
        self._score = bytearray(size)
        self._visited = bytearray(size)
        self._lost = 0
        self.hung = Hung(
            root=array("I", bytes(4 * size)),
            trust=bytearray([Trust.ORPHAN]) * size,
            low=array("q", [LOWEST]) * size,
            high=array("q", [HIGHEST]) * size,
            order=array("I"),
            spans={},
            trees={},
            headless=set(),
        )
        self._claim(page for page in list(seen.interiors) if not freed[page])

    def parentless(self) -> Iterator[int]:
        """Yield the interior pages that nothing points to and no walk has reached."""
        for page in self._seen.interiors:
            if not (self._parent[page] or self._visited[page] or self._freed[page]):
                yield page

    def is_reached(self, page: int) -> bool:
        """Whether a walk has come to a page."""
        return 0 < page < len(self._visited) and bool(self._visited[page])

    def walk(self, root: int, kind: LeafKind | None, named: bool) -> Tree:
        """Walk one tree and note its pages with rows; ``kind`` is what it should be of."""
        loss = self._loss_of_root(root, kind)
        if loss is not None:
            begin = len(self.hung.order)
            if loss is Loss.UNREADABLE and kind is not None:
                self._hang_headless(_Edge(root, LOWEST, HIGHEST), root, kind is LeafKind.TABLE)
            end = len(self.hung.order)
            tree = Tree(root, None, named, end - begin, (LostPage(root, root, loss, None),))
            self.hung.spans[root] = begin, end
            self.hung.trees[root] = tree
            return tree
        self._parent[root] = 0
        lost: list[LostPage] = []
        begin = len(self.hung.order)
        self._visited[root] = 1
        stack = [_Edge(root, LOWEST, HIGHEST)]
        while stack:
            edge = stack.pop()
            if not self._hang(edge, root, named):
                self._lose(lost, edge, Loss.MISPLACED, leaf=True, keyed=True)
            if self._seen.kinds[edge.child] in _INTERIOR:
                stack += reversed(self._below(edge, lost))
        end = len(self.hung.order)
        family = LeafKind.TABLE if self._seen.kinds[root] in _TABLE else LeafKind.INDEX
        tree = Tree(root, family, named, end - begin, tuple(lost))
        self.hung.spans[root] = begin, end
        self.hung.trees[root] = tree
        return tree

    def _claim(self, pages: Iterable[int]) -> None:
        """Let interior pages claim their children; a damaged one that is claimed claims too."""
        waiting = deque(pages)
        while waiting:
            parent = waiting.popleft()
            for edge in self._edges(parent):
                if self._unfit(parent, edge.child) is not None:
                    continue
                score = self._fit(parent, edge)
                if self._parent[edge.child] and score <= self._score[edge.child]:
                    continue
                self._parent[edge.child], self._score[edge.child] = parent, score
                if self._believe(edge.child):
                    waiting.append(edge.child)

    def _believe(self, page: int) -> bool:
        """Take a damaged page for what its parent says it is; True where it is an interior one."""
        kind = self._seen.damaged.pop(page, None)
        if kind is None:
            return False
        self._seen.kinds[page] = kind
        data = self._image.page(page)
        header = read_page_header(data, page, self._image.usable) if data else None
        if data and header:
            note_keys(self._seen, page, data, header)
        if kind in _INTERIOR:
            self._seen.interiors.append(page)
        return kind in _INTERIOR

    def _kind(self, page: int) -> int:
        return self._seen.damaged.get(page, self._seen.kinds[page])

    def _unfit(self, parent: int, child: int) -> Loss | None:
        """Return why a page cannot be the child of another."""
        table = self._seen.kinds[parent] in _TABLE
        in_file = 1 < child <= self._image.page_count and child != parent
        if in_file and not self._freed[child] and self._seen.kinds[child] in _FAMILY[table]:
            return None  # as nearly all are
        if not 1 < child <= self._image.page_count:
            return Loss.ABSENT
        if child == parent:
            return Loss.LOOP
        if self._freed[child] and self._sure:
            return Loss.FREE
        return self._unlike(child, table)

    def _unlike(self, page: int, table: bool) -> Loss | None:
        """Return why a page cannot be of a table (or else of an index)."""
        kind = self._kind(page)
        if kind in _FAMILY[table]:
            return None
        if kind in _TABLE or kind in _INDEX:
            return Loss.OTHER_KIND
        return Loss.ABSENT if kind == PageKind.UNREAD else Loss.UNREADABLE

    def _fit(self, parent: int, edge: _Edge) -> int:
        """Return how well a child's keys fit where a parent has it; a stale parent counts less."""
        above = edge.low < self._seen.first[edge.child]
        below = self._seen.last[edge.child] <= edge.high
        return 1 + 2 * (above + below) + (parent not in self._image.stale)

    def _edges(self, page: int) -> Iterator[_Edge]:
        """Yield the children of an interior page with the bounds that it gives them."""
        data = self._image.page(page)
        header = read_page_header(data, page, self._image.usable) if data else None
        if data is None or header is None:
            return
        low = LOWEST
        for child, key in children(data, header):
            yield _Edge(child, low, HIGHEST if key is None else key)
            low = low if key is None else key

    def _below(self, edge: _Edge, lost: list[LostPage]) -> list[_Edge]:
        """Return the children of a page that are its own, and note those that it has lost."""
        page, low, high = edge
        own: list[_Edge] = []
        missing: list[tuple[_Edge, Loss]] = []
        for child, least, most in self._edges(page):
            place = _Edge(child, max(low, least), min(high, most))
            loss = self._unfit(page, child)
            if loss is None and self._parent[child] != page:
                loss = Loss.OTHER_TREE
            if loss is None and self._visited[child]:
                loss = Loss.LOOP
            if loss is not None:
                missing.append((place, loss))
                continue
            self._visited[child] = 1
            own.append(place)
        leaf = None if not own else self._seen.kinds[own[0].child] not in _INTERIOR
        keyed = self._seen.kinds[page] in _TABLE
        for place, loss in missing:
            if leaf and loss is Loss.UNREADABLE and self._lost < _MOST_LOST:
                self._hang_headless(place, self.hung.root[page], keyed)
            self._lose(lost, place, loss, leaf, keyed, page)
        return own

    def _lose(  # noqa: PLR0913 - what a LostPage says
        self,
        lost: list[LostPage],
        place: _Edge,
        loss: Loss,
        leaf: bool | None,
        keyed: bool,
        parent: int | None = None,
    ) -> None:
        """Note a page that is lost, if there are not too many."""
        if self._lost >= _MOST_LOST:
            return
        self._lost += 1
        lower = place.low if keyed and place.low != LOWEST else None
        upper = place.high if keyed and place.high != HIGHEST else None
        parent = self._parent[place.child] if parent is None else parent
        lost.append(LostPage(place.child, parent, loss, leaf, lower, upper))

    def _hang_headless(self, edge: _Edge, root: int, table: bool) -> None:
        """Take a page without a header for a leaf, unless there is nothing on it."""
        page, hung = edge.child, self.hung
        if self._visited[page] or self._seen.kinds[page] not in _MAY_BE_HEADLESS:
            return
        self._visited[page] = 1
        self._seen.kinds[page] = PageKind.TABLE_LEAF if table else PageKind.INDEX_LEAF
        hung.headless.add(page)
        hung.root[page] = root
        hung.low[page], hung.high[page] = edge.low, edge.high
        hung.order.append(page)

    def _loss_of_root(self, root: int, kind: LeafKind | None) -> Loss | None:
        """Return why a page cannot be the root that it should be."""
        if not 0 < root <= self._image.page_count:
            return Loss.ABSENT
        if self._visited[root]:
            return Loss.OTHER_TREE
        if self._freed[root] and self._sure:
            return Loss.FREE
        loss = None if kind is None else self._unlike(root, kind is LeafKind.TABLE)
        if loss is None and self._believe(root):
            self._claim([root])
        return loss

    def _hang(self, edge: _Edge, root: int, named: bool) -> bool:
        """Note where a page hangs; False where its rowids do not fit there."""
        page, low, high = edge
        kind, hung = self._seen.kinds[page], self.hung
        hung.root[page] = root
        hung.low[page], hung.high[page] = low, high
        if kind == PageKind.TABLE_INTERIOR:
            return True
        inside = True
        hung.order.append(page)
        if named and not self._freed[page]:
            fits = low < self._seen.first[page] and self._seen.last[page] <= high
            inside = kind != PageKind.TABLE_LEAF or fits
            hung.trust[page] = Trust.TREE if inside else Trust.OUT_OF_RANGE
        self._freed[page] = 0  # the tree has it, and the list did not add up
        return inside
