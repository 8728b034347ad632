"""salvage: what SQLite reads from a sound database, the page reader reads too, to the byte."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from hermes_repair.model.values import RawText
from hermes_repair.salvage import (
    Bundle,
    LeafKind,
    NoPages,
    Origin,
    PageKind,
    Trust,
    cells,
    open_image,
    shapes,
    survey,
)
from tests.homes.database import SHAPES
from tests.unit.salvage_databases import (
    AUTO_VACUUMS,
    ENCODINGS,
    PAGE_SIZES,
    Row,
    Variant,
    all_rows,
    image_of,
    named_tables,
    rows_of_ours,
    rows_of_sqlite,
    written,
)

SOME = [
    *(Variant(page_size=size) for size in PAGE_SIZES),
    *(Variant(encoding=encoding) for encoding in ENCODINGS[1:]),
    *(Variant("0.13.0", 1024, "UTF-16le", mode) for mode in AUTO_VACUUMS),
    Variant("r30", 512, "UTF-16be", 1),
    Variant("v1", 65536, "UTF-16be", 2),
]


def same_as_sqlite(path: Path) -> None:
    theirs = rows_of_sqlite(path)
    with open_image(Bundle(path)) as image:
        found = survey(image)
        tables = named_tables(found)
        assert tables.keys() == theirs.keys()
        for name, rows in theirs.items():
            tree = found.trees[tables[name].root]
            assert tree.named and not tree.lost
            ours = rows_of_ours(image, found, tables[name], rows)
            if tree.kind is LeafKind.TABLE:
                assert list(map(repr, ours)) == list(map(repr, rows)), name
            elif name == "keyed":
                assert sorted(map(repr, ours)) == sorted(map(repr, rows))
            else:  # its key is stored first: the same values in another order
                assert values_alone(ours) == values_alone(rows), name
        assert {leaf.trust for leaf in found.leaves()} == {Trust.TREE}
        assert image.notes == () and not image.stale


def values_alone(rows: list[Row]) -> list[list[str]]:
    return sorted(sorted(map(repr, row.values)) for row in rows)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_schema(tmp_path: Path, shape: str) -> None:
    same_as_sqlite(written(Variant(shape), tmp_path))


@pytest.mark.parametrize("variant", SOME, ids=str)
def test_every_layout(tmp_path: Path, variant: Variant) -> None:
    same_as_sqlite(written(variant, tmp_path))


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_every_schema_in_every_layout(tmp_path: Path, shape: str) -> None:
    for layout in product(PAGE_SIZES, ENCODINGS, AUTO_VACUUMS):
        same_as_sqlite(written(Variant(shape, *layout), tmp_path))
        image_of.cache_clear()


def dbstat(path: Path) -> Iterator[tuple[str, int, str]]:
    """Yield name, page and type of every page of a b-tree, as SQLite itself counts them."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
        try:
            yield from db.execute("SELECT name, pageno, pagetype FROM dbstat")
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no dbstat")


@pytest.mark.parametrize("variant", SOME[::3], ids=str)
def test_every_page_is_what_dbstat_says(tmp_path: Path, variant: Variant) -> None:
    path = written(variant, tmp_path)
    kinds = {
        "leaf": {PageKind.TABLE_LEAF, PageKind.INDEX_LEAF},
        "internal": {PageKind.TABLE_INTERIOR, PageKind.INDEX_INTERIOR},
        "overflow": {PageKind.OVERFLOW},
    }
    with open_image(Bundle(path)) as image:
        found = survey(image)
        roots = {row.root: row.name for row in found.schema_rows} | {1: "sqlite_schema"}
        named = set()
        for name, page, kind in dbstat(path):
            named.add(page)
            assert found.kind(page) in kinds[kind]
            leaf = found.leaf(page)
            if leaf is not None:
                assert (
                    leaf.root is not None and roots[leaf.root].replace("master", "schema") == name
                )
        others = {found.kind(page) for page in range(1, image.page_count + 1) if page not in named}
        assert others <= {
            PageKind.FREELIST_TRUNK, PageKind.FREELIST_LEAF, PageKind.POINTER_MAP
        }  # fmt: skip
        assert (PageKind.POINTER_MAP in others) == bool(variant.auto_vacuum)


def test_text_that_is_none_comes_as_sqlite_gives_it(tmp_path: Path) -> None:
    """UTF-16 with half of a pair: SQLite makes bytes of it that are no UTF-8."""
    path = written(Variant(encoding="UTF-16le"), tmp_path)
    with open_image(Bundle(path)) as image:
        values = [
            value for _, cell in all_rows(image, survey(image)) for value in cell.values or ()
        ]
    assert any(isinstance(value, RawText) for value in values)
    assert "a\0b" in values


@pytest.mark.parametrize("size", [512, 4096])
def test_wanted_columns_alone(tmp_path: Path, size: int) -> None:
    path = written(Variant(page_size=size), tmp_path)
    with open_image(Bundle(path)) as image:
        for leaf in survey(image).leaves():
            for whole, some in zip(cells(image, leaf), cells(image, leaf, {1, 3}), strict=True):
                assert whole.values is not None and some.values is not None
                assert some[:3] == whole[:3] and len(some.values) == len(whole.values)
                for column in {1, 3} & set(range(len(whole.values))):
                    assert repr(some.values[column]) == repr(whole.values[column])


def test_shapes_have_the_types_of_the_values(tmp_path: Path) -> None:
    sizes = {str: 13, bytes: 12, RawText: 13}
    path = written(Variant(page_size=512), tmp_path)
    with open_image(Bundle(path)) as image:
        for leaf in survey(image).leaves():
            for cell, shape in zip(cells(image, leaf), shapes(image, leaf), strict=True):
                assert cell.values is not None and shape[:2] == cell[1:3]
                for value, kind in zip(cell.values, shape.types, strict=True):
                    if value is None or isinstance(value, int | float):
                        assert kind < 10 and (kind == 0) == (value is None)
                        assert (kind == 7) == isinstance(value, float)
                    else:
                        assert kind % 2 == sizes[type(value)] % 2
                        assert not isinstance(value, bytes) or len(value) == (kind - 12) // 2


def test_origin_and_length(tmp_path: Path) -> None:
    path = written(Variant(), tmp_path)
    with open_image(Bundle(path)) as image:
        assert image.page_count == path.stat().st_size // 4096
        assert image.origin(1) is Origin.MAIN and image.origin(10**6) is Origin.ABSENT
        assert image.page(0) is None and image.page(image.page_count + 1) is None
        assert [number for number, _ in image.pages()] == list(range(1, image.page_count + 1))


@pytest.mark.parametrize("content", [None, b""])
def test_nothing_to_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "state.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NoPages), open_image(Bundle.beside(path)):
        pass


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    with open_image(Bundle(written(Variant(), tmp_path))) as image:
        survey(image, told.append)
        assert told[-1] == image.page_count
