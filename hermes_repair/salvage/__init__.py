"""Rows out of a damaged database: its bytes in, rows with their trust and a ledger out.

Never opens SQLite. :func:`open_image` puts the files together, :func:`survey` tells what each page
is, :func:`cells` reads rows.
"""

from hermes_repair.salvage.broken_cells import Broken, Why
from hermes_repair.salvage.bundle import Bundle, NoPages
from hermes_repair.salvage.cells import Cell, Shape, cells, shapes
from hermes_repair.salvage.database_header import DatabaseHeader, Encoding
from hermes_repair.salvage.deleted_cells import deleted_cells
from hermes_repair.salvage.leaves import (
    Leaf,
    LeafKind,
    Loss,
    LostPage,
    PageKind,
    SchemaRow,
    Tree,
    Trust,
)
from hermes_repair.salvage.notes import Fact, Note
from hermes_repair.salvage.page_image import Origin, PageImage, open_image
from hermes_repair.salvage.page_survey import Survey, survey

__all__ = [
    "Broken",
    "Bundle",
    "Cell",
    "DatabaseHeader",
    "Encoding",
    "Fact",
    "Leaf",
    "LeafKind",
    "Loss",
    "LostPage",
    "NoPages",
    "Note",
    "Origin",
    "PageImage",
    "PageKind",
    "SchemaRow",
    "Shape",
    "Survey",
    "Tree",
    "Trust",
    "Why",
    "cells",
    "deleted_cells",
    "open_image",
    "shapes",
    "survey",
]
