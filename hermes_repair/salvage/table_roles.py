"""Every page with rows is given to a table: by its tree, held against its rows; else by these.

A tree is not believed alone: in a real damaged home that of messages led into the search index.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from hermes_repair.salvage.assignment import (
    AssignedTable,
    Assignment,
    ColumnsFrom,
    NumberFrom,
    TablePages,
    Unassigned,
    UnassignedPage,
)
from hermes_repair.salvage.btree_page import HIGHEST
from hermes_repair.salvage.cells import Shape, cells, shapes
from hermes_repair.salvage.column_orders import KnownTables, Records, hermes_tables
from hermes_repair.salvage.first_rows import first_rows_of
from hermes_repair.salvage.leaves import Leaf, LeafKind, LostPage, Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.page_survey import Survey
from hermes_repair.salvage.row_shapes import (
    SEARCH_STORAGE,
    SEQUENCE,
    RowShape,
    known_shapes,
    shape_of,
    tables_of_rows,
)
from hermes_repair.salvage.schema_left import (
    OF_SQLITE,
    Schema,
    best_rows,
    indexes_left,
    number_by_structure,
    tables_left,
)
from hermes_repair.salvage.stored_table import Stored, StoredTable, stored_class, stored_table
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.declared_table import declared_table

RARE = 100
"""What fewer than one row in so many shows may be damage, and proves no order of columns."""
MOST_ASKED = 20
"""So many pages of a tree without a name are asked what they are; the others go with them."""
VERSION = "schema_version"
OF_ANY = frozenset({*SEARCH_STORAGE, SEQUENCE})
"""Tables that SQLite and FTS5 make, whatever the schema number."""


@dataclass(slots=True)
class _Found:
    """What is noted of one table while the pages are looked at."""

    pages: TablePages = field(default_factory=TablePages)
    by_tree: int = 0
    by_shape: int = 0
    rows: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    classes: Counter[tuple[int, Stored]] = field(default_factory=Counter)

    def records(self) -> Records:
        """Return what more than a few rows show."""
        lengths = frozenset(n for n, count in self.lengths.items() if count * RARE >= self.rows)
        classes: dict[int, Stored] = {}
        for (place, one), count in self.classes.items():
            if count * RARE >= self.rows:
                classes[place] = classes.get(place, Stored(0)) | one
        return Records(lengths, classes)


def assign(
    image: PageImage,
    survey: Survey,
    known: KnownTables | None = None,
    expected: int | None = None,
) -> Assignment:
    """Return which table every page with rows belongs to, and the columns of every table.

    ``known`` are the tables of such a database where its own schema is lost: those of state.db, if
    none are given (:func:`.column_orders.side_store_tables` has others). ``expected`` is the
    schema number that the installed Hermes expects, where it is known: of several that fit it is
    the one.
    """
    roles = _Roles(image, survey, known or hermes_tables())
    roles.give_all()
    number, number_from = roles.number(expected)
    if number is not None:
        roles.take_back_later(number)
    sure = number if number_from is NumberFrom.VERSION_ROW else None
    tables = {name: roles.table(name, sure) for name in sorted({*roles.found, *roles.tables})}
    whole = {root: tree.kind is not None and not tree.lost for root, tree in survey.trees.items()}
    return Assignment(
        tables=tables,
        indexes=indexes_left(roles.schema, roles.tables, whole),
        schema=roles.schema,
        number=number,
        number_from=number_from,
        upgraded=_is_upgraded(tables, number),
        unassigned=tuple(roles.unassigned),
        survey=survey,
    )


class _Roles:
    """The look at every page. ``found`` has what came of it, by table.

    ``strays`` are pages in the tree of a table that are none of it.
    """

    def __init__(self, image: PageImage, survey: Survey, known: KnownTables) -> None:
        self.image, self.survey, self.known = image, survey, known
        self.schema: Schema = best_rows(survey.schema_rows)
        self.tables = tables_left(self.schema, hermes=known is hermes_tables())
        self.stored = {
            name: stored_table(table, sql=self.schema["table", name].sql)
            for name, table in self.tables.items()
        }
        self.roots = {
            name: row.root for (kind, name), row in self.schema.items() if kind == "table"
        }
        self.shapes = {**known_shapes(known), **self._own_shapes()}
        tables = {**known.tables, **self.tables}
        self.counted = {name for name, table in tables.items() if table.autoincrement}
        self.found: defaultdict[str, _Found] = defaultdict(_Found)
        self.unassigned: list[UnassignedPage] = []
        self.strays: defaultdict[str, list[Leaf]] = defaultdict(list)
        self._fitting: dict[tuple[str, int], bool] = {}

    def _own_shapes(self) -> dict[str, RowShape]:
        """Return the shapes of the tables whose SQL is left; rows may be shorter than that.

        FTS5 declares no types, but what it stores is known.
        """
        known = known_shapes(self.known)
        return {
            name: shape_of(stored, min(known[name].lengths) if name in known else 1)
            for name, stored in self.stored.items()
            if not stored.without_rowid and not (name in SEARCH_STORAGE and name in known)
        }

    def give_all(self) -> None:
        """Give every page with rows to a table, or note that it is of none."""
        # A name of which nothing is known says nothing: the row of the schema may be damaged.
        names = {root: name for name, root in self.roots.items() if root and name in self.shapes}
        guessed: dict[int, str | None] = {}
        for leaf in self.survey.leaves():
            if leaf.kind is not LeafKind.TABLE or leaf.root == 1:
                continue
            name = None
            if leaf.root is not None and leaf.root in names:
                name = names[leaf.root]
                if self._give(leaf, name) != name and leaf.trust is not Trust.OUT_OF_RANGE:
                    self.strays[name].append(leaf)  # one out of range the tree has lost already
                continue
            if leaf.root is not None:
                if leaf.root not in guessed:
                    guessed[leaf.root] = self._guess(leaf.root)
                name = guessed[leaf.root]
            self._give(leaf, name)

    def _guess(self, root: int) -> str | None:
        """Return what most of the first pages of a tree without a name are."""
        votes: Counter[str] = Counter()
        for leaf in islice(self.survey.leaves_of(root), MOST_ASKED):
            candidates = tables_of_rows(self.image, leaf, self.shapes.values(), self.counted)
            if len(candidates) == 1:
                votes.update(candidates)
        first = votes.most_common(2)
        tie = len(first) == 2 and first[0][1] == first[1][1]
        return first[0][0] if first and not tie else None

    def _give(self, leaf: Leaf, named: str | None) -> str | None:
        """Give a page to a table, that of its tree if it can be; return which, None for none."""
        if named is not None and named in self.stored and self._is_as_its_tree_says(leaf, named):
            return named
        rows = list(shapes(self.image, leaf))
        shape = self.shapes.get(named) if named is not None else None
        if named is not None and (not rows or (shape and _most(shape.fits, rows))):
            self._note(named, leaf, rows, by_tree=True)
            return named
        if not rows:
            return None
        candidates = tables_of_rows(self.image, leaf, self.shapes.values(), self.counted)
        if len(candidates) > 1:
            candidates = self._that_lost(candidates, rows) or candidates
        if len(candidates) == 1:
            self._note(candidates[0], leaf, rows, by_tree=candidates[0] == named)
            return candidates[0]
        if shape is not None and named is not None and self._could_be(shape, leaf, rows):
            self._note(named, leaf, rows, by_tree=True)
            return named
        why = Unassigned.SEVERAL if candidates else Unassigned.NO_SHAPE
        self.unassigned.append(UnassignedPage(leaf, why, candidates))
        return None

    def _could_be(self, shape: RowShape, leaf: Leaf, rows: list[Shape]) -> bool:
        """Whether a page that fits no table is what its tree says: a torn one, or odd values."""
        whole = leaf.trust is Trust.TREE and any(shape.fits(row.types) for row in rows)
        return whole or _most(shape.could_hold, rows)

    def _is_as_its_tree_says(self, leaf: Leaf, named: str) -> bool:
        """Note a page of a tree at its place, if its first rows are what the tree says.

        Most pages are: of these no more is read than that, and the bounds tell the rowids.
        """
        shape = self.shapes.get(named)
        if leaf.trust is not Trust.TREE or shape is None:
            return False
        begins = self.survey.begins
        kind = begins.kind_of(leaf.page)
        fits = self._fitting.get((named, kind)) if kind else None
        if fits is None:
            first = begins.kinds[kind] or first_rows_of(self.image, leaf)
            fits = bool(first) and all(map(shape.fits, first))
            if kind:
                self._fitting[named, kind] = fits
        if not fits:
            return False
        found = self.found[named]
        found.by_tree += 1
        found.pages.add(leaf.page, leaf.lowest, leaf.highest)
        return True

    def _that_lost(self, candidates: Iterable[str], rows: list[Shape]) -> tuple[str, ...]:
        """Return the tables whose trees have lost a page with rowids like these, if only one."""
        rowids = [row.rowid for row in rows if row.rowid is not None]
        if not rowids:
            return ()
        low, high = min(rowids), max(rowids)
        found = tuple(
            name
            for name in candidates
            if (tree := self.survey.trees.get(self.roots.get(name, 0))) is not None
            and any(
                (lost.low is None or lost.low < low) and (lost.high is None or high <= lost.high)
                for lost in tree.lost
            )
        )
        return found if len(found) == 1 else ()

    def _note(self, name: str, leaf: Leaf, rows: list[Shape], *, by_tree: bool) -> None:
        found = self.found[name]
        found.by_tree += by_tree
        found.by_shape += not by_tree
        rowids = [row.rowid for row in rows if row.rowid is not None] or [0]
        if leaf.stale and leaf.trust is not Trust.ORPHAN:  # its torn image may have others
            rowids += [leaf.lowest, leaf.highest]
        found.pages.add(leaf.page, min(rowids), max(rowids))
        if name not in self.stored:
            found.rows += len(rows)
            found.lengths.update(len(row.types) for row in rows)
            for row in rows:
                found.classes.update(
                    (place, stored_class(serial)) for place, serial in enumerate(row.types)
                )

    def take_back_later(self, number: int) -> None:
        """Look again at what was given by its rows to a table that ``number`` has not, or to none.

        Where a CREATE TABLE is left it is there, whatever the number.
        """
        self.shapes = {
            name: shape
            for name, shape in self.shapes.items()
            if name in self.stored or name in OF_ANY or self.known.first_number(name) <= number
        }
        again = [page.leaf for page in self.unassigned if page.why is Unassigned.SEVERAL]
        self.unassigned = [one for one in self.unassigned if one.why is not Unassigned.SEVERAL]
        for name in self.found.keys() - self.shapes.keys() - self.stored.keys():
            pages = self.found.pop(name).pages.pages
            again += [leaf for page in pages if (leaf := self.survey.leaf(page)) is not None]
        for leaf in again:
            self._give(leaf, None)

    def number(self, expected: int | None) -> tuple[int | None, NumberFrom]:
        """Return the schema number, by the best that tells it.

        Of several that fit, a later one than the database had would hide columns from the Hermes
        that opens it, and an earlier one is upgraded: so that is the one to choose.
        """
        for page in self.found[VERSION].pages.in_order().pages if VERSION in self.found else ():
            leaf = self.survey.leaf(page)
            for cell in cells(self.image, leaf) if leaf is not None else ():
                match cell.values:
                    case (int() as value,) if 0 < value <= _MOST_NUMBERS:
                        return value, NumberFrom.VERSION_ROW
        by_structure = number_by_structure(self.schema, self.tables)
        if by_structure is not None:
            return by_structure, NumberFrom.STRUCTURE
        numbers = [
            self.known.numbers_of(name, self.found[name].records())
            for name in ("sessions", "messages")
            if name in self.found and name in self.known.tables
        ]
        common = frozenset.intersection(*numbers) if numbers else frozenset()
        known = self.found.keys() & self.known.tables.keys()
        firsts = [self.known.first_number(name) for name in known]
        for one in self.unassigned:  # a number that has none of the tables that fit is too low
            here = [name for name in one.candidates if name in self.known.tables]
            firsts += [min(map(self.known.first_number, here))] if here else []
        least = max(firsts, default=0)
        fits = {number for number in common if number >= least} or common
        if expected in fits:
            return expected, NumberFrom.INSTALLED
        if fits:
            return min(fits), NumberFrom.LOWEST
        return None, NumberFrom.NOTHING

    def table(self, name: str, number: int | None) -> AssignedTable:
        """Return one table with its pages; ``number`` is the schema number where it is certain."""
        found = self.found.get(name, _Found())
        row = self.schema.get(("table", name))
        root = self.roots.get(name)
        tree = self.survey.trees.get(root) if root else None
        columns_from = ColumnsFrom.SCHEMA
        stored = self.stored.get(name)
        if stored is None:
            stored, columns_from = _deduced(self.known, name, found.records(), number)
        strays = self.strays.get(name, [])
        lost = () if tree is None else tuple(lost for lost in tree.lost if lost.leaf is not False)
        return AssignedTable(
            stored=stored,
            columns_from=columns_from,
            sql=row.sql if row is not None else None,
            root=root,
            by_tree=found.by_tree,
            by_shape=found.by_shape,
            whole=not found.pages.pages
            if tree is None
            else tree.kind is not None and not tree.lost and not strays,
            lost=None if tree is None else len(lost) + len(strays),
            pages=found.pages.in_order(),
            places_lost=() if stored.without_rowid else _runs_between([*lost, *strays]),
        )


_MOST_NUMBERS = 1000
_FIRST, _LAST = 1, HIGHEST
"""Where a tree does not say how far a page went. What SQLite gives out itself begins at 1."""


def _runs_between(pages: Iterable[LostPage | Leaf]) -> tuple[tuple[int, int], ...]:
    """Return which rowids could have lain on some pages, as runs of first and last, in order."""
    runs: list[tuple[int, int]] = []
    for first, last in sorted(
        (_FIRST if one.low is None else one.low + 1, _LAST if one.high is None else one.high)
        for one in pages
    ):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = runs[-1][0], max(runs[-1][1], last)
        elif first <= last:
            runs.append((first, last))
    return tuple(runs)


def _most(test: Callable[[tuple[int, ...]], bool], rows: list[Shape]) -> bool:
    return 2 * sum(test(row.types) for row in rows) > len(rows)


def _deduced(
    known: KnownTables, name: str, records: Records, number: int | None
) -> tuple[StoredTable, ColumnsFrom]:
    """Return the columns of a table without SQL; the number is asked only where they differ."""
    if name in SEARCH_STORAGE:
        return SEARCH_STORAGE[name], ColumnsFrom.ORDERS
    if (table := declared_table(OF_SQLITE.get(name, ""))) is not None:
        return stored_table(table), ColumnsFrom.ORDERS
    deduced = known.deduce(name, records)
    if deduced.stored.unknown and number is not None:
        by_number = known.deduce(name, records, number)
        deduced = by_number if by_number.orders else deduced
    agreed = not deduced.stored.unknown
    return deduced.stored, ColumnsFrom.ORDERS if agreed else ColumnsFrom.ORDERS_DIFFER


def _is_upgraded(tables: Mapping[str, AssignedTable], number: int | None) -> bool | None:
    """Whether a table has its columns in another order than a new database of the number."""
    version = default_catalogue().versions.get(number or 0)
    if version is None or not version.shapes:
        return None
    fresh = version.structure.tables
    both = [name for name in ("sessions", "messages") if name in tables and name in fresh]
    if not both or any(tables[name].stored.unknown for name in both):
        return None
    return any(
        tables[name].stored.names != tuple(column.name for column in fresh[name].columns)
        for name in both
    )
