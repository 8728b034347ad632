"""A page that one can look at: one file of HTML, whole in itself, made from a template.

It has no script, loads nothing, and says so to the browser (Content-Security-Policy), so that a
hostile id, path or title can do nothing even where it is not what it seems. Every value that a
template prints has its control and direction characters spelled out and is then escaped.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hermes_repair import __version__
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.model.words import count, escape, second, verb

MARK = b'<!DOCTYPE html>\n<html lang="en" data-made-by="hermes-repair"'
"""What every page of ours begins with: only such a file is replaced."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hermes_repair.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_spelled_out,
    )
    environment.filters.update(count=count, verb=verb, percent=_percent)
    return environment


def _spelled_out(value: Any) -> Any:
    return escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _percent(share: float) -> str:
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"


def render(template: str, made_at: float, **values: Any) -> str:
    """Return a page; ``made_at`` is in epoch seconds, ``template`` a name without its ending."""
    common: Mapping[str, Any] = {"version": __version__, "made_at": second(made_at)}
    return _environment().get_template(f"{template}.html").render(**common, **values)


def require_place(path: Path, homes: Sequence[Path]) -> None:
    """Refuse to write a page where it would change a home, or replace what is no page of ours.

    ``homes`` are their folders. Raises :class:`UsageError` for a folder that is not there,
    :class:`Refused` for the others.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Name a file in one that is there.")
    for home in homes:
        if folder.resolve().is_relative_to(home.resolve()):
            raise Refused(
                f"{path} lies in the Hermes home {home}, where looking changes nothing.",
                "Name a file in another folder.",
            )
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode) or not _is_ours(path):
        raise Refused(
            f"{path} is there already and is no page of hermes-repair.", "Name another file."
        )


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK


def write(path: Path, page: str) -> None:
    """Write a page, whole or not at all; only the user may read it.

    Raises :class:`Refused` where the folder takes no file.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(page)
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise Refused(
            f"{path} could not be written: {error.strerror}.", "Name a file in another folder."
        ) from error
