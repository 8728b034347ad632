"""TR009: messages that wait in the spool and that no row has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.auxiliary_files import SPOOL, find_auxiliary_files
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count
from hermes_repair.transcripts.session_files import FileKind


@check("TR009", "spool-not-replayed", Severity.WARNING, Remedy.MANUAL)
def spool_not_replayed(scene: Scene) -> Iterator[Finding]:
    """Messages that Hermes could not store wait in `pending_messages/`, and no row has them.

    What it means: the chat goes on without them: neither a list, nor a search, nor the model sees
    what was said meanwhile.

    How it happens: Hermes 0.20 and later put there what they cannot write, because the database is
    damaged, locked or was replaced. They take it in at a later start, and one file that they cannot
    read, or whose session is gone, keeps the others out (Hermes #74619, #87661, #109966).

    What repair does: nothing. `find` shows the messages and where they lie. No release with a spool
    could be tried, and what that release does with a file that a row has already is not known.

    How safe it is: nothing is changed. Keep the files until the messages are in the chat.
    """
    waiting: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for file in find_auxiliary_files(scene, {FileKind.SPOOL}):
        session = file.session_id or ""
        if file.only_here:
            waiting[session] += file.only_here
            files[session] += 1
    for session, messages in sorted(waiting.items()):
        gone = bool(session) and session not in scene.node
        subject = (
            {"kind": "session", "session_id": session}
            if session
            else {"kind": "file", "path": SPOOL}
        )
        yield spool_not_replayed.finding(
            subject,
            f"{count(messages, 'message')} in {count(files[session], 'file')} of {SPOOL}/ could not"
            f" be stored{', and the session does not exist' if gone else ''}.",
            "Keep those files. Mend the database, then start Hermes: it takes them in.",
            data={"messages": messages, "files": files[session], "session_there": not gone},
            identity=(session,),
            sessions=1,
            messages=messages,
        )
