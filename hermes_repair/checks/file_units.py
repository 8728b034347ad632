"""The unit that writes a small file of the home anew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from hermes_repair.checks.fill_units import relative
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.actions import FileCopy, FileRewrite
from hermes_repair.model.findings import Finding
from hermes_repair.model.plans import Safety, Unit

_LARGEST = 16 << 20  # bytes; its receipt keeps the file twice, and a real one has some kilobytes
_RECEIPT_AND_COPIES = 6


def can_rewrite(place: Path) -> bool:
    """Whether there is a file that may be replaced: none behind a link, no huge one."""
    return place.is_file() and not place.is_symlink() and place.stat().st_size <= _LARGEST


def rewritten_file(
    scene: Scene, findings: Sequence[Finding], place: Path, before: bytes, after: bytes
) -> Unit:
    """Return the SAFE unit that copies a file, read as ``before``, and writes it anew.

    Two such units never share a round, because both touch the file. Its summary is the caller's.
    """
    source = relative(place, scene.home.root)
    digest = hashlib.sha256(before).hexdigest()
    return Unit(
        kind="file",
        subject=place.name,
        summary=f"write {place.name} anew",
        actions=(
            FileCopy(source, f"{place.name}.gz", len(before), digest),
            FileRewrite(source, before, after),
        ),
        safety=Safety.SAFE,
        live=False,
        findings=tuple(finding.fingerprint for finding in findings),
        finding_ids=tuple(dict.fromkeys(finding.id for finding in findings)),
        sessions=frozenset({place.name}),
        room=_RECEIPT_AND_COPIES * (len(before) + len(after)),
    )
