"""Every page with rows is given to a table: by its tree, held against its rows; else by these."""

from __future__ import annotations

from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.page_survey import Survey


def assign(image: PageImage, survey: Survey) -> Assignment:
    """Return which table every page with rows belongs to, and the columns of every table."""
    raise NotImplementedError
