"""Does the search index take more of the file than it needs (FT007)?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from hermes_repair.checks.registry import check
from hermes_repair.checks.search_index import compared_tables, make_anew, who_makes_anew
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.search_coverage import SearchTable
from hermes_repair.evidence.search_size import Bloat, find_bloat
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Stage
from hermes_repair.model.words import size
from hermes_repair.store.look import Look


@check(
    "FT007",
    "search-index-bloated",
    Severity.INFO,
    Remedy.UNSAFE,
    tables=("messages",),
    stage=Stage.SEARCH,
)
def search_index_bloated(scene: Scene) -> Iterator[Finding]:
    """The search index takes much more of the file than a new one would.

    What it means: the file is larger than it needs to be, and searches and writes are slower. No
    message is missing.

    How it happens: FTS5 keeps what was indexed of deleted messages until it merges the pages on
    which it lies, and a prune deletes more than it merges (Hermes #91120, #54189).

    What repair does: nothing by itself. When you name it, the search table is made anew from the
    messages, in one transaction, after a backup. The pages that it does not need are free then, for
    new messages; `VACUUM` gives them back to the disk.

    How safe it is: an index holds nothing that is not in the messages. What a new one takes is only
    known once it is made; the finding says what it takes at most, and is silent where the gain may
    be small.
    """
    search = scene.recognition.search
    if not search.whole or search.unfinished:
        return  # it is made anew for another reason, or not at all
    for table in compared_tables(scene):
        ask = partial(_bloat, table=table, text=lambda: scene.text_to_index)
        found = scene.look.within_limit(ask)
        if found is None:
            continue
        remedy, hint = who_makes_anew(scene)
        if remedy is Remedy.SAFE:
            asked = command("repair", "--select", "FT007", "--unsafe")
            remedy, hint = Remedy.UNSAFE, advice("If you want the room for new messages: {}", asked)
        share = 100 * found.size // max(found.file, 1)
        yield search_index_bloated.finding(
            {"kind": "table", "table": table.name},
            f"{table.name} takes {size(found.size)} ({share} % of the file), and made anew it"
            f" would take {size(found.at_most)} at most.",
            hint,
            remedy=remedy,
            data={"bytes": found.size, "at_most": found.at_most, "file": found.file},
            fix=make_anew(scene, table.name),
        )


def _bloat(look: Look, table: SearchTable, text: Callable[[], int]) -> Bloat | None:
    """Return what a table has too much; one of which something else is wrong has its finding."""
    found = table.coverage
    if found is None or not found.same_rows or found.stale or found.words_agree is False:
        return None
    return find_bloat(look, table.name, text)
