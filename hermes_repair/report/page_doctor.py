"""The page that ``doctor --html`` writes: values in, what its template prints out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

from hermes_repair.app.coverage import PROFILES
from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.app.explain import explain
from hermes_repair.app.picture import Chat, Picture
from hermes_repair.checks.registry import SECTIONS
from hermes_repair.evidence.message_places import Stretch
from hermes_repair.lineage.family_tree import Tree
from hermes_repair.model.findings import Finding, Severity
from hermes_repair.model.words import SessionLabel, count, day, minute, shorten, shown_id, verb
from hermes_repair.report.audience import Audience
from hermes_repair.report.html_page import render
from hermes_repair.report.page_drawing import Chart, Row, Strip, chart, rows, strip
from hermes_repair.report.page_hints import Typed, typed_parts
from hermes_repair.report.page_verdict import Area, verdict_of
from hermes_repair.report.tree_text import LOUD

SHOWN = 12
"""Findings of one id, and families, that stand open on the page; the others are folded away."""


@dataclass(frozen=True, slots=True)
class ShownPoint:
    """One point of the verdict, with its commands for this home."""

    state: str
    words: Typed


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages in a row that the database lacks, and when they were written."""

    messages: int
    when: str


@dataclass(frozen=True, slots=True)
class ShownChat:
    """One chat on the page: what it is called, and its strip where something is missing.

    ``outlook`` is safe, choice or empty; ``picture`` says the strip in words.
    """

    anchor: str
    id: str
    name: str
    day: str
    source: str
    stored: int
    in_file: int | None
    in_copies: int | None
    missing: int = 0
    outlook: str = ""
    reason: str = ""
    strip: Strip | None = None
    gaps: Sequence[Gap] = ()
    more_gaps: int = 0
    picture: str = ""


@dataclass(frozen=True, slots=True)
class ShownFamily:
    """One lineage: its rows, what is wrong with it, and the name of a parent that is gone."""

    name: str
    rows: Sequence[Row]
    gone: str
    trouble: tuple[str, ...]
    lanes: int


@dataclass(frozen=True, slots=True)
class Item:
    """One finding at one place."""

    place: str
    anchor: str
    message: str
    accepted: str


@dataclass(frozen=True, slots=True)
class Group:
    """Findings of one id: what they are, where, what to type, and what they mean."""

    id: str
    name: str
    state: str
    severity: str
    stakes: str
    items: Sequence[Item]
    hints: Sequence[Typed]
    explained: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ShownHome:
    """One profile on the page. ``anchor`` begins the ids of its parts."""

    anchor: str
    root: str
    profile: str
    facts: str
    state: str
    headline: str
    points: Sequence[ShownPoint]
    areas: Sequence[Area]
    groups: Sequence[Group]
    chats: Sequence[ShownChat]
    damaged: Sequence[ShownChat]
    families: Sequence[ShownFamily]
    sound_families: Sequence[ShownFamily]
    other_halves: Mapping[str, str]
    names: Mapping[str, str]
    chart: Chart | None
    copied: bool
    checked: str
    left_out: Sequence[str]
    notes: Sequence[str] = field(default_factory=tuple)


def page(
    looks: Sequence[tuple[Diagnosis, Audience]], made_at: float, *, narrowed: bool = False
) -> str:
    """Return the page of these homes; titles stand in it where their audience may see them.

    ``narrowed``: only some findings were asked for.
    """
    homes = [_home(number, *look, narrowed=narrowed) for number, look in enumerate(looks, 1)]
    titles = any(audience.titles for _, audience in looks)
    return render("doctor", made_at, homes=homes, titles=titles, loud=LOUD)


def _home(number: int, diagnosis: Diagnosis, audience: Audience, *, narrowed: bool) -> ShownHome:
    verdict = verdict_of(diagnosis, narrowed=narrowed)
    anchor = f"home{number}"
    picture = diagnosis.picture or Picture((), (), {}, ())
    chats = [_chat(f"{anchor}-chat{place}", c, audience) for place, c in enumerate(picture.chats)]
    names = {chat.id: chat.name for chat in chats}
    anchors = {chat.id: chat.anchor for chat in chats if chat.strip}
    families = [_family(tree, picture, names) for tree in picture.trees if _is_family(tree)]
    return ShownHome(
        anchor=anchor,
        root=str(diagnosis.home.root),
        profile=diagnosis.home.profile,
        facts=_facts(diagnosis),
        state=verdict.state,
        headline=verdict.headline,
        points=[
            ShownPoint(point.state, typed_parts(point.words, audience.home_option))
            for point in verdict.points
        ],
        areas=verdict.areas,
        groups=list(_groups(diagnosis, audience, anchors)),
        chats=chats,
        damaged=sorted(
            (chat for chat in chats if chat.strip),
            key=lambda chat: (chat.outlook != "safe", -chat.missing),
        ),
        families=[family for family in families if family.trouble],
        sound_families=[family for family in families if not family.trouble],
        other_halves=picture.other_halves,
        names=names,
        chart=chart(picture.days),
        copied=any(chat.in_copies is not None for chat in chats),
        checked=_checked(diagnosis),
        left_out=[
            one.why
            for one in diagnosis.looked_at.left_out
            if not (audience.every_profile and one.what == PROFILES)
        ],
        notes=diagnosis.notes,
    )


def _facts(diagnosis: Diagnosis) -> str:
    database = diagnosis.database
    parts = [f"schema {database['schema']}"] if database.get("schema") is not None else []
    if database.get("sessions") is not None:
        parts.append(count(database["sessions"], "session"))
        parts.append(count(database["messages"], "message"))
    return ", ".join(parts)


def _name(id: str, label: SessionLabel, audience: Audience) -> str:
    if audience.titles and label.title:
        return shorten(label.title, 60)
    return shown_id(id)


def _chat(anchor: str, chat: Chat, audience: Audience) -> ShownChat:
    label, account = chat.label, chat.file
    began = day(label.started_at) if label.started_at is not None else "no date"
    common: dict[str, Any] = {
        "anchor": anchor,
        "id": shown_id(chat.id),
        "name": _name(chat.id, label, audience),
        "day": began,
        "source": shorten(label.source or "", 20),
        "stored": chat.stored,
        "in_file": account.messages if account is not None else None,
        "in_copies": chat.copies.messages if chat.copies is not None else None,
    }
    in_file = account.missing if account is not None else 0
    in_copies = chat.copies.missing if chat.copies is not None else 0
    if not in_file and not in_copies:
        return ShownChat(**common)
    parts = _parts(chat)
    lost = [part for part in parts if not part.database]
    reason = [account.reason] if account is not None and in_file else []
    if in_copies:
        reason.append(f"{count(in_copies, 'message')} {verb(in_copies, 'is', 'are')} {_IN_COPIES}")
    return ShownChat(
        **common,
        missing=in_file + in_copies,
        outlook="safe" if account is not None and account.safe and in_file else "choice",
        reason=" ".join(reason),
        strip=strip(parts),
        gaps=[Gap(part.messages, _when(part.first, part.last)) for part in lost[:SHOWN]],
        more_gaps=max(0, len(lost) - SHOWN),
        picture=_in_words(chat),
    )


_IN_COPIES = "only in a copy of the database; the findings say what brings them."


def _parts(chat: Chat) -> Sequence[Stretch]:
    """Return the stretches of a chat, with what copies have where that is known."""
    known = chat.copies or chat.file
    return known.stretches if known is not None else ()


def _when(first: float | None, last: float | None) -> str:
    if first is None or last is None:
        return ""
    since, until = minute(first), minute(last)
    if since == until:
        return since
    if since[:10] == until[:10]:
        return f"{since[:16]} to {until[11:]}"
    return f"{since[:16]} to {until}"


def _in_words(chat: Chat) -> str:
    """Return what a strip shows, for who hears it."""
    parts = []
    alike = groupby(_parts(chat), key=lambda part: (part.database, bool(part.copies)))
    for (database, copied), group in islice(alike, SHOWN):
        number = sum(part.messages for part in group)
        where = "in the database" if database else "missing from the database"
        where += " and in a copy" if copied else ""
        parts.append(f"{count(number, 'message')} {verb(number, 'is', 'are')} {where}")
    return f"From first to last: {', then '.join(parts)}."


def _is_family(tree: Tree) -> bool:
    return len(tree.leaves) > 1 or bool(LOUD & set(tree.leaves[0].marks))


def _family(tree: Tree, picture: Picture, names: Mapping[str, str]) -> ShownFamily:
    trouble = {mark for leaf in tree.leaves for mark in leaf.marks if mark in LOUD}
    trouble |= {"other half" for leaf in tree.leaves if leaf.node.id in picture.other_halves}
    drawn = rows(tree.leaves, picture.other_halves)
    first = tree.leaves[0]
    return ShownFamily(
        name=names.get(tree.root.id, shown_id(tree.root.id)),
        rows=drawn,
        gone=first.node.parent_id or "" if "orphan" in first.marks else "",
        trouble=tuple(sorted(trouble)),
        lanes=1 + max(row.lane for row in drawn),
    )


def _groups(
    diagnosis: Diagnosis, audience: Audience, anchors: Mapping[str, str]
) -> Iterator[Group]:
    by_id: dict[tuple[int, str], list[Finding]] = {}
    for finding in diagnosis.findings:
        by_id.setdefault((-finding.severity, finding.id), []).append(finding)
    labels = audience.labels(diagnosis.labels)
    for _, group in sorted(by_id.items()):
        first = group[0]
        stakes = (
            count(number, noun)
            for number, noun in (
                (sum(finding.sessions for finding in group), "session"),
                (sum(finding.messages for finding in group), "message"),
            )
            if number
        )
        hints = dict.fromkeys(typed_parts(f.hint, audience.home_option) for f in group if f.hint)
        yield Group(
            id=first.id,
            name=first.name.replace("-", " "),
            state={Severity.INFO: "note", Severity.WARNING: "warning"}.get(first.severity, "error"),
            severity="note" if first.severity is Severity.INFO else first.severity.word,
            stakes=", ".join(stakes),
            items=[_item(finding, labels, anchors, diagnosis.accepted) for finding in group],
            hints=list(hints)[:SHOWN],
            explained=list(_explained(first.id)),
        )


def _item(
    finding: Finding,
    labels: Mapping[str, SessionLabel],
    anchors: Mapping[str, str],
    accepted: Mapping[str, str],
) -> Item:
    session = finding.session_id
    place = ""
    if session is not None:
        label = labels.get(session)
        place = f"{shown_id(session)}" + (f" ({label.words()})" if label is not None else "")
    return Item(
        place,
        anchors.get(session or "", ""),
        finding.message,
        accepted.get(finding.fingerprint, ""),
    )


def _explained(id: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of an explanation, each with its heading; the first has none."""
    for paragraph in explain(id).text.split("\n\n"):
        words = " ".join(paragraph.split())
        heading, colon, rest = words.partition(": ")
        yield (heading, rest) if colon and heading in SECTIONS else ("", words)


def _checked(diagnosis: Diagnosis) -> str:
    looked_at = diagnosis.looked_at
    counted = (
        (len(looked_at.checks), "check"),
        (looked_at.sessions or 0, "session"),
        (looked_at.messages or 0, "message"),
        (looked_at.transcripts, "transcript"),
        (looked_at.session_logs, "session log"),
    )
    text = ", ".join(count(number, noun) for number, noun in counted if number)
    if looked_at.hermes is not None:
        text += f"; the installed Hermes is {looked_at.hermes.release or 'of an unknown release'}"
    return text
