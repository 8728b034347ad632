"""Plays histories in a release, each in a home of its own, and gives back what is true of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.histories_lineage.acts import History
from tests.releases import run_release

INSIDE = Path(__file__).with_name("inside")
STAND_INS = Path(__file__).parents[1] / "lineage" / "inside" / "stand_ins.py"


@dataclass(frozen=True, slots=True)
class Played:
    """One history and its home. ``made`` says what each session was made as (``chat``,
    ``continuation``, ``branch``, ``delegate``); ``parents`` what each continuation continues;
    ``gone`` were deleted, and may have been made again since; ``said`` is what belongs in
    each that is left, as ``role: text``; ``harm`` names what no person wanted.
    """

    release: str
    surface: str
    clock: str
    acts: History
    home: Path
    made: Mapping[str, str]
    parents: Mapping[str, str]
    gone: frozenset[str]
    said: Mapping[str, Sequence[str]]
    harm: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.release} {self.surface} {self.clock}: {', '.join(self.acts)}"


def play(
    release: str, surface: str, clock: str, histories: Sequence[History], folder: Path
) -> Iterator[Played]:
    """Play these histories in one process of a release, in homes below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    homes = [folder / str(number) for number in range(len(histories))]
    plan = [
        {
            "home": str(home),
            "clock": clock,
            "surface": surface,
            "histories": [{"name": "chat", "acts": acts}],
        }
        for home, acts in zip(homes, histories, strict=True)
    ]
    told, script = folder / "truth.json", _script()
    (folder / "plan.json").write_text(json.dumps({"homes": plan}), encoding="utf-8")
    run_release(release, script, folder, str(folder / "plan.json"), str(told), release)
    truths: list[dict[str, Any]] = json.loads(told.read_text(encoding="utf-8"))
    for home, acts, truth in zip(homes, histories, truths, strict=True):
        of = truth["chat"]
        yield Played(
            release=release,
            surface=surface,
            clock=clock,
            acts=acts,
            home=home,
            made=of["sessions"],
            parents=of["parents"],
            gone=frozenset(of["gone"]),
            said=of["said"],
            harm=tuple(of["harm"]),
        )


def _script() -> str:
    return "\n".join(
        [
            STAND_INS.read_text(encoding="utf-8"),
            "import runpy",
            f"runpy.run_path({str(INSIDE / 'world.py')!r}, run_name='__main__')",
        ]
    )
