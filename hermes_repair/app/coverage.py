"""What the checks of one look have seen, and what they were kept from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hermes_repair.checks.known_damage import damage_catalogue
from hermes_repair.checks.registry import all_checks
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import serving
from hermes_repair.home.layout import profile_names
from hermes_repair.model.words import count
from hermes_repair.schema.search import CJK
from hermes_repair.transcripts.session_files import FileKind

PROFILES = "profiles"
SELECTION = "selection"
INDEX = "index"
UNREADABLE = "unreadable"
ELSEWHERE = "elsewhere"
"""Why a check was not run: nobody asked for it, or what it reads cannot be relied on."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not looked at: ``what`` in a word for programs, ``why`` for people.

    ``what`` is ``checks``, ``file``, ``pages``, ``search-index``, ``profiles``, ``sqlite``,
    ``hermes`` or ``damage``; ``checks`` are ids, where it is about some, and ``reason`` is then in
    a word for programs what kept them out: :data:`SELECTION`, :data:`INDEX` or :data:`UNREADABLE`.
    """

    what: str
    why: str
    checks: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Expecting:
    """The install of Hermes that the database was held against; ``schema`` is its number."""

    release: str
    schema: int | None
    how: str


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What was looked at: the checks by id, and how much there was for them.

    ``file``: whether SQLite checked the file, its indexes against their tables included, ``whole``,
    in ``part`` or ``not`` at all. ``sessions`` and ``messages`` are None where they cannot be
    counted, ``hermes`` where no install was found. ``recalled_since`` is when the oldest answer was
    found that was taken from an earlier look (epoch seconds), None where all was read now.
    """

    checks: tuple[str, ...]
    file: str
    sessions: int | None
    messages: int | None
    transcripts: int
    session_logs: int
    hermes: Expecting | None
    left_out: tuple[LeftOut, ...]
    recalled_since: float | None = None


def looked_at(scene: Scene, sessions: int | None, messages: int | None) -> LookedAt:
    """Return what was seen, after the checks of a scene have run."""
    compared = "comparisons" in vars(scene)  # else no check asked for the files of chats
    logs = scene.session_files[scene.home.logs_dir].files if compared else ()
    soundness, known = scene.file.soundness, serving(scene.installed)
    answers = scene.look.answers
    whole = soundness is not None and not soundness.unchecked and not soundness.pages_unchecked
    return LookedAt(
        checks=tuple(check.id for check in all_checks() if check.id not in scene.left_out),
        file="not" if soundness is None else "whole" if whole else "part",
        sessions=sessions,
        messages=messages,
        transcripts=len(scene.comparisons.answers) if compared else 0,
        session_logs=sum(file.kind is FileKind.LOG for file in logs),
        hermes=Expecting(known.release, known.number, known.how) if known is not None else None,
        left_out=tuple(_left_out(scene)),
        recalled_since=answers.taken_since if answers is not None else None,
    )


def _left_out(scene: Scene) -> Iterator[LeftOut]:
    by_reason: dict[str, list[str]] = {}
    for id, reason in scene.left_out.items():
        by_reason.setdefault(reason, []).append(id)
    for reason, ids in by_reason.items():
        yield LeftOut("checks", _why(scene, reason, len(ids)), tuple(ids), reason)
    soundness = scene.file.soundness
    if soundness is None:
        yield LeftOut("file", "whether the file is sound and its indexes match their tables")
    elif soundness.unchecked:
        tables = count(len(soundness.unchecked), "table")
        yield LeftOut(
            "file", f"whether the indexes of {tables} are right (Hermes has the file open)"
        )
    if soundness is not None and soundness.pages_unchecked:
        yield LeftOut("pages", "whether two tables claim one page of the file")
    yield from _search_left_out(scene)
    others = len(profile_names(scene.home.base))  # with the default one, less the one at hand
    if others:
        yield LeftOut(PROFILES, f"{count(others, 'other profile')} (--all-profiles)")
    if "hermes_sqlite" in vars(scene) and scene.hermes_sqlite is None and scene.installed:
        yield LeftOut("sqlite", "whether Hermes' SQLite can search (nothing tells which it is)")
    if serving(scene.installed) is None:
        yield LeftOut("hermes", "what the installed Hermes expects (none was found)")
    known = damage_catalogue()
    unseen = ", ".join(kind.id for kind in known.unseen)
    kinds = f"{len(known.unseen)} of the {len(known.kinds)} known kinds of damage"
    yield LeftOut("damage", f"{kinds} ({unseen} of docs/DAMAGE.md)")


def _search_left_out(scene: Scene) -> Iterator[LeftOut]:
    what, why = "search-index", "whether the search index finds every message"
    words = "whether the search index has the words of each message"
    if not scene.structure.virtual_tables:
        return
    if CJK in scene.structure.virtual_tables:
        told = f"whether {CJK} has every message (only Hermes has its tokenizer)"
        yield LeftOut(what, told)
    if scene.recognition.search.layout is None:
        yield LeftOut(what, f"{why} (no release has one like this)")
    elif "search_index" not in vars(scene):  # no check asked for it
        yield LeftOut(what, why)
    elif any(not table.damaged and table.coverage is None for table in scene.search_index.tables):
        yield LeftOut(what, f"{why} (Hermes has the file open)")
    elif not scene.look_options.deep:
        yield LeftOut(what, f"{words} (--deep)")
    elif scene.look.live:
        yield LeftOut(what, f"{words} (Hermes has the file open)")
    elif any(
        table.coverage is not None
        and table.coverage.same_rows
        and table.coverage.words_agree is None
        for table in scene.search_index.tables
    ):
        yield LeftOut(what, f"{words} (no temporary copy of the index could be made)")


def _why(scene: Scene, reason: str, number: int) -> str:
    checks = count(number, "check")
    if reason == SELECTION:
        return f"{checks} that you did not ask for"
    if reason == INDEX:
        tables = " and ".join(sorted(scene.file.unproven))
        return f"{checks} that would read {tables} through a damaged index (DB006)"
    if reason == ELSEWHERE:
        return f"{checks} of a database that Hermes does not use (DB010)"
    return f"{checks} that cannot read the database"
