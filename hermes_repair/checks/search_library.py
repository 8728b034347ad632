"""Can the SQLite of the installed Hermes search at all (FT006)?"""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.schema.search import TABLES


@check("FT006", "search-unavailable", Severity.WARNING, Remedy.MANUAL)
def search_unavailable(scene: Scene) -> Iterator[Finding]:
    """The SQLite of the installed Hermes cannot search, or may lose what is written.

    What it means: without FTS5 no search works and messages are stored without an index; without
    the tokenizer trigram Chinese, Japanese and Korean words are not found, and 0.16.0 crashes. As
    a note: from 3.7.0 to 3.51.2 SQLite can lose commits where two processes write to one database
    in WAL mode (the WAL-reset bug, mended in 3.44.6, 3.50.7 and 3.51.3). A distribution may have
    mended it under an old number.

    How it happens: a Python was built with a small SQLite (Hermes #47002, #48688), or with one of
    those years (Hermes #69784, #75153), as nearly all were.

    What repair does: nothing; it changes no program. An index that is missing is made by Hermes
    once its SQLite can, and one that lacks messages by `repair` (FT001).

    How safe it is: nothing is changed. The library is found from the files of the Python that runs
    Hermes and read as a file, no program is started; where nothing tells which it is, nothing is
    said.
    """
    library = scene.hermes_sqlite
    if library is None:
        return
    subject = {"kind": "library", "path": str(library.path)}
    data = {
        "version": ".".join(map(str, library.version)) if library.version else None,
        "source": library.source,
        "fts5": library.fts5,
        "trigram": library.trigram,
        "wal_reset_bug": library.loses_commits,
    }
    if not library.fts5 or (not library.trigram and TABLES[1] in scene.structure.virtual_tables):
        lacks = "the tokenizer trigram" if library.fts5 else "FTS5"
        yield search_unavailable.finding(
            subject,
            f"Hermes' {library.name} is without {lacks}: "
            + (
                "words in Chinese, Japanese or Korean are not found."
                if library.fts5
                else "no search works, and what is stored now is not indexed."
            ),
            "Install Hermes with a Python whose SQLite has FTS5 and trigram (3.34 or later).",
            data=data,
            identity=(library.fts5, library.trigram),
        )
    elif library.loses_commits:
        yield search_unavailable.finding(
            subject,
            f"Hermes' {library.name} has SQLite's WAL-reset bug, unless your distribution mended"
            " it: where two processes write to state.db a commit can be lost.",
            "Install Hermes with a Python whose SQLite is 3.51.3 or later, 3.50.7 or 3.44.6.",
            severity=Severity.INFO,
            data=data,
            identity=(library.source,),
        )
