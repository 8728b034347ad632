"""Columns that stand under each other, for a terminal; cells are escaped, then measured."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from hermes_repair.model.words import shorten

CELL = 60  # characters


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line for the headings and one for every row."""
    cells = [[shorten(cell, CELL) for cell in row] for row in (headings, *rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
