"""How often the file of an incomplete chat is decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.app.environment import Run
from hermes_repair.app.proposal import Request
from hermes_repair.app.repair import preview
from hermes_repair.evidence import compared_transcripts
from hermes_repair.evidence.compared_transcripts import Compared
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.transcripts.sequences import FileSequence, read_sequence
from hermes_repair.transcripts.session_files import list_sessions
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


def test_a_file_that_changed_after_it_was_read_is_read_anew(tmp_path: Path) -> None:
    home = small_home(tmp_path / "h")
    (file,) = list_sessions(home / "sessions").files
    read = read_sequence(file.path)
    answer = Compared(file, None, sequence=read)
    assert answer.lines() is read
    lines = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(b"".join(lines[1:]))
    assert answer.lines().keys == read.keys[1:]
    file.path.unlink()
    with pytest.raises(OSError):
        answer.lines()
