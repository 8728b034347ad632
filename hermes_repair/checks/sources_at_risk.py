"""Transcript files that are the only copy of something and that Hermes may delete (TR006)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hermes_repair.checks.fill_units import file_copy, relative
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import REPAIR
from hermes_repair.evidence.compared_transcripts import Compared
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.actions import FileCopy
from hermes_repair.model.commands_to_type import advice
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count
from hermes_repair.transcripts.verdicts import Verdict


@check("TR006", "source-at-risk", Severity.INFO, Remedy.SAFE, live=True, stage=Stage.TRANSCRIPTS)
def source_at_risk(scene: Scene) -> Iterator[Finding]:
    """A file is the only copy of messages, and Hermes may delete it.

    What it means: Hermes deletes the rows of ended sessions after some time, and with them the
    files of the same name, whether it read them or not. What only the file had is gone then. It is
    a note, because all of it may have been undone on purpose; what was certainly lost is brought
    back.

    How it happens: pruning is a setting and a command of Hermes; it ignores what the file holds,
    because releases from 0.15.0 on do not read it.

    What repair does: it copies the file, compressed and verified, to hermes-repair/sources/. The
    file itself stays unchanged.

    How safe it is: it only adds a copy, even while Hermes runs. `undo` leaves the copy.
    """
    for session_id, answer in sorted(scene.comparisons.answers.items()):
        if not _at_risk(scene, session_id, answer):
            continue
        missing = answer.comparison.counts.missing if answer.comparison is not None else 0
        yield source_at_risk.finding(
            {"kind": "session", "session_id": session_id, "path": answer.file.path.name},
            f"only its file has {count(missing, 'message')}, and the session has ended: Hermes'"
            " next prune may delete the file.",
            advice("`{}` copies the file", REPAIR),
            data={"missing": missing, "size": answer.file.size},
            identity=(answer.file.size, missing),
            sessions=1,
            messages=missing,
            fix=each(partial(_copy_source, scene, session_id, answer)),
        )


def _at_risk(scene: Scene, session_id: str, answer: Compared) -> bool:
    """Whether a prune takes the file and nobody else has all of it.

    What was undone on purpose is no loss; what is imported without being asked for is copied by
    that. Hermes' prune takes ended sessions only (0.13.0 to 0.19.0).
    """
    found, node = answer.comparison, scene.node.get(session_id)
    if found is None or node is None or node.is_open or not found.counts.missing or found.safe:
        return False
    if found.verdict is Verdict.SUPERSEDED or answer.changing:
        return False
    source = relative(answer.file.path, scene.home.root)
    kept = {known for known in scene.receipt_history.kept if known.source == source}
    if not any(known.size == answer.file.size for known in kept):
        return True
    return not any(copy_of(scene, answer).sha256 == known.sha256 for known in kept)


def copy_of(scene: Scene, answer: Compared) -> FileCopy:
    """Return the copy of the file as it is now. Raises ``OSError`` as reading does."""
    path = answer.file.path
    return file_copy(path, relative(path, scene.home.root), answer.file.size)


def _copy_source(
    scene: Scene, session_id: str, answer: Compared, finding: Finding
) -> Iterator[Unit]:
    """Copy the file. No session is touched, so no other repair has to wait for it."""
    yield Unit(
        kind="copy",
        subject=session_id,
        summary=f"copy {answer.file.path.name}, which Hermes' prune may delete",
        actions=(copy_of(scene, answer),),
        safety=Safety.SAFE,
        live=True,
        findings=(finding.fingerprint,),
        finding_ids=(finding.id,),
    )
