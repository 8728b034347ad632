"""Copies of transcripts that lie among them (TR008)."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.auxiliary_files import AuxiliaryFile, find_auxiliary_files
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count
from hermes_repair.transcripts.listing import FileKind


@check("TR008", "transcript-copy", Severity.INFO, Remedy.NONE)
def transcript_copy(scene: Scene) -> Iterator[Finding]:
    """A file in sessions/ is a copy of a transcript, by its name.

    What it means: it is not a chat of its own. `X.bak.jsonl`, `X-copy.jsonl`, `Copy of X.jsonl`,
    `.X.jsonl`, `X (1).jsonl` and what Syncthing, Dropbox or Nextcloud call a conflict all hold the
    chat X once more, as it was when the copy was made.

    How it happens: somebody copied the transcript before trying to fix it, an editor kept a backup,
    or a program synced the folder from two machines.

    What repair does: nothing. The copy is compared with the database and with the transcript, and
    the note says how many messages only the copy has.

    How safe it is: nothing is changed. What only a copy has may have been undone or deleted since.
    If it belongs in the chat, put the copy in the transcript's place, under its name: then it is
    compared like any transcript.
    """
    for copy in find_auxiliary_files(scene, (FileKind.COPY,)):
        yield transcript_copy.finding(
            {"kind": "session", "session_id": copy.session_id, "path": copy.path},
            f"{copy.path} is a copy of the chat's transcript, {_said(copy)}.",
            _hint(copy),
            data={"messages": copy.messages, "only_here": copy.only_here, "problem": copy.problem},
            identity=(copy.path, copy.messages, copy.only_here),
            sessions=1,
            messages=copy.only_here,
        )


def _said(copy: AuxiliaryFile) -> str:
    if not copy.messages:
        return f"and has no readable message{f' ({copy.problem})' if copy.problem else ''}"
    if not copy.only_here:
        return "and has nothing new"
    return (
        f"and has {count(copy.only_here, 'message')} that neither the database nor the transcript"
        " has"
    )


def _hint(copy: AuxiliaryFile) -> str:
    if not copy.only_here:
        return ""
    return (
        f"If they belong in the chat, rename the copy to {copy.session_id}.jsonl (first move an"
        " existing file out of the folder), and run doctor again."
    )
