"""How often the file of an incomplete chat is decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.app.environment import Run
from hermes_repair.app.proposal import Request
from hermes_repair.app.repair import preview
from hermes_repair.evidence import compared_transcripts
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.transcripts.sequences import FileSequence, read_sequence
from tests.homes.small import small_home
from tests.in_process import fixed_environment, home_of


@pytest.mark.parametrize(("room", "times"), [(10, 1), (9, 3)])
def test_a_look_and_its_plan_decode_a_file_once_where_there_is_room(
    room: int, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = small_home(tmp_path / "h")
    decoded: list[Path] = []

    def counting(path: Path) -> FileSequence:
        decoded.append(path)
        return read_sequence(path)

    monkeypatch.setattr(compared_transcripts, "KEPT_MESSAGES", room)
    monkeypatch.setattr(compared_transcripts, "read_sequence", counting)
    run = Run(home_of(home), fixed_environment(tmp_path))
    proposal = preview(run, Request(LookOptions(), Selection(select=("TR",))))
    assert [outline.unit.kind for outline in proposal.plan.now] == ["session"]
    assert len(decoded) == times
