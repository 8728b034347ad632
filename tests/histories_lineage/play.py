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
Json = dict[str, Any]
STAND_INS = Path(__file__).parents[1] / "lineage" / "inside" / "stand_ins.py"


@dataclass(frozen=True, slots=True)
class Played:
    """One history and its home; ``release`` is the last that it was in.

    ``made`` says what each session was made as (``chat``, ``continuation``, ``branch``,
    ``delegate``); ``parents`` what each continuation continues; ``gone`` were deleted, and may have
    been made again since; ``tip`` is the session that the person is in; ``said`` is what belongs in
    each that is left, as ``role: text``;
    ``harm`` names what no person wanted.
    """

    release: str
    surface: str
    clock: str
    acts: History
    home: Path
    made: Mapping[str, str]
    parents: Mapping[str, str]
    gone: frozenset[str]
    tip: str
    said: Mapping[str, Sequence[str]]
    harm: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.release} {self.surface} {self.clock}: {', '.join(self.acts)}"


def play(
    release: str, surface: str, clock: str, histories: Sequence[History], folder: Path
) -> Iterator[Played]:
    """Play these histories in one process of a release, in homes below ``folder``."""
    truths = _truths(release, surface, clock, histories, folder, [None] * len(histories))
    for number, (acts, of) in enumerate(zip(histories, truths, strict=True)):
        yield _played(release, surface, clock, acts, folder / str(number), of)


def play_updated(
    releases: tuple[str, str],
    surface: str,
    clock: str,
    histories: Sequence[tuple[History, History]],
    folder: Path,
) -> Iterator[Played]:
    """Play the first part of each in one release, and the second, a day later, in another."""
    parts = tuple(zip(*histories, strict=True))
    truths: Sequence[Json | None] = [None] * len(histories)
    for release, acts in zip(releases, parts, strict=True):
        truths = _truths(release, surface, clock, acts, folder, truths)
    for number, ((before, after), of) in enumerate(zip(histories, truths, strict=True)):
        acts = (*before, f"update to {releases[1]}", *after)
        yield _played(releases[1], surface, clock, acts, folder / str(number), of or {})


def _truths(
    release: str,
    surface: str,
    clock: str,
    histories: Sequence[History],
    folder: Path,
    before: Sequence[Json | None],
) -> list[Json]:
    """Play histories in the homes that are numbered as they are; return the truth of each."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = [
        {
            "home": str(folder / str(number)),
            "clock": clock,
            "surface": surface,
            "histories": [{"name": "chat", "acts": acts, "before": of}],
        }
        for number, (acts, of) in enumerate(zip(histories, before, strict=True))
    ]
    told, script = folder / "truth.json", _script()
    (folder / "plan.json").write_text(json.dumps({"homes": plan}), encoding="utf-8")
    run_release(release, script, folder, str(folder / "plan.json"), str(told), release)
    return [truth["chat"] for truth in json.loads(told.read_text(encoding="utf-8"))]


def _played(release: str, surface: str, clock: str, acts: History, home: Path, of: Json) -> Played:
    return Played(
        release=release,
        surface=surface,
        clock=clock,
        acts=acts,
        home=home,
        made=of["sessions"],
        parents=of["parents"],
        gone=frozenset(of["gone"]),
        tip=of["tip"],
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
