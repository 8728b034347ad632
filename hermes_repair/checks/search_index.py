"""The search index: of it only the pages of its storage are looked at so far (FT...)."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count
from hermes_repair.schema.search import missing_storage
from hermes_repair.store.file_state import SideFile

LINES = 20
KEEP = "Keep a copy of state.db. The conversations can be read without a repair."


@check("FT003", "search-index-damaged", Severity.ERROR, Remedy.MANUAL, file_level=True)
def search_index_damaged(scene: Scene) -> Iterator[Finding]:
    """Storage of the search index is damaged or missing; the conversations are not.

    What it means: searching fails or finds too little, and Hermes may be unable to store messages,
    because each one is indexed as it is written. The messages themselves are in a table of their
    own.

    How it happens: a full disk, a power cut, or two processes that lost each other's locks, in the
    part of the file that changes most (Hermes #50502, #66724). A table of the index is missing
    where somebody dropped it, or a tool brought only a part of the database back.

    What repair does: nothing yet. Conversations are still repaired, one step at a time; a step that
    the damaged index blocks is rolled back and named.

    How safe it is: nothing is changed.
    """
    if scene.file.side is SideFile.STALE:
        return
    missing = missing_storage(scene.structure)
    if missing:
        yield search_index_damaged.finding(
            {"kind": "database"},
            f"The search index lacks {count(len(missing), 'table')} of its storage"
            f" ({', '.join(missing)}); the conversations can be read.",
            KEEP,
            data={"tables": list(missing), "lines": []},
            identity=("missing", *missing),
        )
    found = scene.file.soundness
    if found is None or not found.search:
        return
    tables = sorted({line.partition(": ")[0] for line in found.search})
    yield search_index_damaged.finding(
        {"kind": "database"},
        f"The storage of the search index is damaged ({', '.join(tables)}:"
        f" {count(len(found.search), 'line')}); the conversations can be read.",
        KEEP,
        data={"tables": tables, "lines": list(found.search[:LINES])},
        identity=tuple(tables),
    )
