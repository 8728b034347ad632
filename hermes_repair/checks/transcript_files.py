"""Transcript files against the database: what only a file still has, and copies (TR...)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain

from hermes_repair.checks.fill_units import file_copy, fill, relative
from hermes_repair.checks.registry import Check, check, each
from hermes_repair.checks.resolution_units import REPAIR, session_unit
from hermes_repair.evidence.auxiliary_files import AuxiliaryFile, find_auxiliary_files
from hermes_repair.evidence.compared_transcripts import Compared
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.actions import FileCopy
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count
from hermes_repair.transcripts.session_files import FileKind
from hermes_repair.transcripts.verdicts import Comparison, Verdict

IN_WORDS = {
    Verdict.FRONT_OR_MIDDLE_MISSING: "the database lacks {missing} that {file} has.",
    Verdict.TAIL_MISSING: "the database lacks the last {missing} of {file}.",
    Verdict.ALL_MISSING: "the database has none of the {missing} of {file}.",
    Verdict.ONLY_IN_FILE: "only {file} has this chat, {missing}.",
    Verdict.UNION: "{file} has {missing} that the database lacks, and vice versa.",
    Verdict.DIVERGED: "{file} and the database disagree about this chat.",
    Verdict.SUPERSEDED: "{file} still has {missing} that were undone or compacted since.",
}


def _answers(scene: Scene, id: str) -> Iterator[tuple[Compared, Comparison]]:
    for answer in chain(scene.comparisons.answers.values(), scene.logs.values()):
        if answer.comparison is not None and answer.comparison.finding == id:
            yield answer, answer.comparison


def _finding(scene: Scene, found_by: Check, answer: Compared, comparison: Comparison) -> Finding:
    missing = count(comparison.counts.missing, "message")
    file = "its session log" if answer.file.kind is FileKind.LOG else "the file"
    sentence = IN_WORDS.get(comparison.verdict, "{missing}").format(missing=missing, file=file)
    reason = "" if comparison.safe else f" {comparison.reason}"
    reordered = comparison.fill is not None and not comparison.fill.lines
    if comparison.fill is None or reordered:
        remedy = Remedy.NONE
    elif comparison.safe:
        remedy = Remedy.SAFE
    else:
        remedy = Remedy.UNSAFE
    return found_by.finding(
        {"kind": "session", "session_id": comparison.session_id, "path": answer.file.path.name},
        sentence + reason,
        _hint(remedy, comparison),
        severity=Severity.INFO if reordered else comparison.severity,
        remedy=remedy,
        data={
            "verdict": comparison.verdict.value,
            "in_file": comparison.counts.file,
            "in_database": comparison.counts.database,
            "missing": comparison.counts.missing,
            "later": comparison.counts.later,
            "reason": comparison.reason,
            "doubt": None if comparison.doubt is None else comparison.doubt.value,
        },
        identity=(
            comparison.verdict.value,
            comparison.counts.file,
            comparison.counts.missing,
            comparison.safe,
        ),
        sessions=1,
        messages=comparison.counts.missing,
        fix=each(partial(fill, scene, answer, comparison)),
    )


def _hint(remedy: Remedy, comparison: Comparison) -> Hint:
    if remedy is Remedy.SAFE:
        return REPAIR
    if remedy is Remedy.UNSAFE:
        return advice("To bring it back: {}", command("backfill", comparison.session_id))
    return ""


@check(
    "TR001",
    "transcript-longer-in-file",
    Severity.ERROR,
    Remedy.SAFE,
    stage=Stage.TRANSCRIPTS,
    concerns=Concerns.ELSEWHERE,
)
def transcript_longer_in_file(scene: Scene) -> Iterator[Finding]:
    """A chat's JSONL file, or its session log, has messages that the database lacks.

    What it means: releases from 0.15.0 on read only the database, so the chat looks cut: a chat of
    994 messages shows 2. The file in sessions/ still has the rest.

    How it happens: older releases wrote both, and read whichever was longer. Rows were missing for
    years without anybody noticing, until 0.15.0 stopped reading the files; nothing ever moved them
    over (Hermes #3212, PR 29211). A session log (session_<id>.json) is what an agent of 0.13 or
    0.14 had in memory, also in the terminal; it is read where rows and JSONL file leave something
    out.

    What repair does: it puts the missing messages between the ones that are there, in the order of
    the file, with the times of the file. Rows that were there keep every value but their id. The
    file is copied to hermes-repair/sources/ first and is never changed.

    How safe it is: safe where the database proves that the messages were lost and not undone or
    deleted: what it has is an exact part of the file and was written when its lines were, nothing
    was rewound or compacted, and no message id is missing where these rows would have been (ids are
    given out once, so whatever is taken out leaves a gap). Otherwise it is done only when you name
    the session, even for messages older than the database, because somebody may have removed the
    database before it on purpose. What a repair brought back and somebody removed again stays out.
    What only a session log has is a note and never safe: a log has no times, so its messages get
    times between those of their neighbours; it is often stale and survives every delete. Where it
    contradicts the database, it is never used.
    """
    for answer, comparison in _answers(scene, "TR001"):
        yield _finding(scene, transcript_longer_in_file, answer, comparison)


@check(
    "TR002",
    "session-only-in-file",
    Severity.INFO,
    Remedy.UNSAFE,
    stage=Stage.TRANSCRIPTS,
    concerns=Concerns.ELSEWHERE,
)
def session_only_in_file(scene: Scene) -> Iterator[Finding]:
    """A chat has a JSONL file or a session log, but the database does not know it.

    What it means: no release from 0.15.0 on shows the chat. Either the database was started from
    scratch after it, or the chat was deleted and its file stayed (a delete in the dashboard leaves
    it).

    How it happens: the database was reset or replaced, or its first write failed (Hermes #2914,
    #2939); or somebody deleted the chat (#55088). `hermes -z` of 0.13 and 0.14 wrote a session log
    and no rows (#19503).

    What repair does: it creates the session and its messages from the file, with the file's source
    and start, and a title that says it was recovered. The file is copied first.

    How safe it is: your decision, because a chat that was never stored and one that was deleted
    look the same. It is a note, and imported when you name it, even if it ended before this
    database began: nobody deleted it from this one, but the one before may have been removed on
    purpose. Session logs of gateway chats are not even notes: their JSONL file would still exist if
    they had not been deleted. Name the session to get one back.
    """
    for answer, comparison in _answers(scene, "TR002"):
        yield _finding(scene, session_only_in_file, answer, comparison)


@check(
    "TR003",
    "transcript-diverged",
    Severity.WARNING,
    Remedy.UNSAFE,
    stage=Stage.TRANSCRIPTS,
    concerns=Concerns.ELSEWHERE,
)
def transcript_diverged(scene: Scene) -> Iterator[Finding]:
    """A chat's file and the database tell it differently.

    What it means: both have messages of their own, in orders that contradict each other.

    How it happens: two programs wrote to the chat, or it was undone and continued differently.

    What repair does: nothing by itself. When you name the session, messages that only the file has
    are put where they belong by order and time; nothing is removed.

    How safe it is: your decision: some of it may have been undone on purpose. If the database has
    everything in the file, only in another order, nothing is lost and it is only a note.
    """
    for answer, comparison in _answers(scene, "TR003"):
        yield _finding(scene, transcript_diverged, answer, comparison)


_NO_MESSAGE = "it has no readable message"
_UNREAD = "If it has messages in another encoding, replace it by a UTF-8 copy with the same name."
_NOTHING_TO_DO = "Nothing needs to be done: the database has everything readable in it."


@check("TR004", "transcript-line-damaged", Severity.WARNING, Remedy.NONE)
def transcript_line_damaged(scene: Scene) -> Iterator[Finding]:
    """A transcript file has damaged places.

    What it means: a line was truncated or overwritten. The rest of the file is compared as usual;
    one bad line never costs another.

    How it happens: a crash in the middle of an append (the next append is then glued to the torn
    line), or a disk error.

    What repair does: nothing: the file is never touched. Two records on one line are both read.

    How safe it is: nothing is changed. It becomes a note once the database has all the good parts
    of the file; a file that cannot be read at all stays a warning until you accept it.
    """
    for session_id, answer in sorted(scene.comparisons.answers.items()):
        subject = {"kind": "session", "session_id": session_id, "path": answer.file.path.name}
        if answer.problem is not None:
            yield transcript_line_damaged.finding(
                subject,
                f"the file {answer.file.path.name} cannot be read: {answer.problem}.",
                "It was not compared: fix the file, then run doctor again.",
                data={"problem": answer.problem},
                identity=(answer.problem,),
            )
        elif answer.bad and answer.comparison is not None:
            counts = answer.comparison.counts
            whole = counts.missing == 0 and counts.file > 0
            yield transcript_line_damaged.finding(
                subject,
                f"{count(answer.bad, 'place')} in the file {'is' if answer.bad == 1 else 'are'}"
                f" damaged; {'the rest of it was read' if counts.file else _NO_MESSAGE}.",
                _NOTHING_TO_DO if whole else "" if counts.file else _UNREAD,
                severity=Severity.INFO if whole else Severity.WARNING,
                data={"bad": answer.bad, "readable": counts.file},
                identity=(answer.bad,),
                sessions=1,
            )


@check("TR005", "transcript-superseded", Severity.INFO, Remedy.NONE)
def transcript_superseded(scene: Scene) -> Iterator[Finding]:
    """A chat's file holds what was undone, retried or compacted since, or the same line twice.

    What it means: nothing is lost. The database is right, and the file is older or has extra
    copies.

    How it happens: from 0.15.0 on nothing writes to the file any more, so it keeps what /undo,
    /retry and compaction removed from the database.

    What repair does: nothing. What was undone stays undone.

    How safe it is: nothing is changed.
    """
    for answer, comparison in _answers(scene, "TR005"):
        yield transcript_superseded.finding(
            {"kind": "session", "session_id": comparison.session_id, "path": answer.file.path.name},
            comparison.reason[0].lower() + comparison.reason[1:],
            "",
            data={"verdict": comparison.verdict.value, "in_file": comparison.counts.file},
            identity=(comparison.verdict.value, comparison.counts.file),
            sessions=1,
        )


@check(
    "TR007",
    "tail-only-in-file",
    Severity.INFO,
    Remedy.UNSAFE,
    stage=Stage.TRANSCRIPTS,
    concerns=Concerns.ELSEWHERE,
)
def tail_only_in_file(scene: Scene) -> Iterator[Finding]:
    """The end of a chat is only in its file, and may have been undone on purpose.

    What it means: the database stops earlier than the file. /undo and /retry of 0.15 leave exactly
    that; so does a backup that was taken without its -wal.

    How it happens: an undo after the update to 0.15.0, or a loss of the last rows.

    What repair does: nothing by itself. When you name the session, the end of the file is put back.

    How safe it is: your decision. Where the rows prove that nothing was ever removed from the chat
    (no message id is missing, or its last rows were never rewritten), it is TR001 and repaired.
    """
    for answer, comparison in _answers(scene, "TR007"):
        yield _finding(scene, tail_only_in_file, answer, comparison)


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
            f"{copy.path} is a copy of the chat's transcript, {_copy_in_words(copy)}.",
            _copy_hint(copy),
            data={"messages": copy.messages, "only_here": copy.only_here, "problem": copy.problem},
            identity=(copy.path, copy.messages, copy.only_here),
            sessions=1,
            messages=copy.only_here,
        )


def _copy_in_words(copy: AuxiliaryFile) -> str:
    if not copy.messages:
        return f"and has no readable message{f' ({copy.problem})' if copy.problem else ''}"
    if not copy.only_here:
        return "and has nothing new"
    return (
        f"and has {count(copy.only_here, 'message')} that neither the database nor the transcript"
        " has"
    )


def _copy_hint(copy: AuxiliaryFile) -> str:
    if not copy.only_here:
        return ""
    return (
        f"If they belong in the chat, rename the copy to {copy.session_id}.jsonl (first move an"
        " existing file out of the folder), and run doctor again."
    )


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
            fix=each(partial(_copy_source, scene, answer)),
        )


def _at_risk(scene: Scene, session_id: str, answer: Compared) -> bool:
    """Whether a prune takes the file and nobody else has all of it.

    What was undone on purpose is no loss; what is imported without being asked for is copied by
    that. Hermes' prune takes ended sessions only (0.13.0 to 0.19.0).
    """
    comparison, node = answer.comparison, scene.node.get(session_id)
    if comparison is None or node is None or node.is_open:
        return False
    if not comparison.counts.missing or comparison.safe:
        return False
    if comparison.verdict is Verdict.SUPERSEDED or answer.changing:
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


def _copy_source(scene: Scene, answer: Compared, finding: Finding) -> Iterator[Unit]:
    """Copy the file. No session is touched, so no other repair has to wait for it."""
    summary = f"copy {answer.file.path.name}, which Hermes' prune may delete"
    unit = session_unit(finding, summary, [copy_of(scene, answer)], Safety.SAFE)
    yield replace(unit, kind="copy", live=True, sessions=frozenset())
