"""Asks the real releases what they make of a home (rule R7), and lets them change one.

The questions are asked on a private copy, because opening a home migrates it; the copy is made by
the release's own process, so that no test that has the database open ever reads it as a file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.scenario.inside.turns import flatten
from tests.scenario.play import play
from tests.scenario.talk import Message

# What rule R7 compares.
_FIELDS = (
    "role",
    "content",
    "tool_calls",
    "tool_call_id",
    "tool_name",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "codex_reasoning_items",
    "codex_message_items",
)


def read_transcripts(
    version: str, home: Path, session_ids: Iterable[str]
) -> dict[str, list[Message]]:
    """Return what ``load_transcript`` of ``version`` gives for each id ([] for an unknown one)."""
    ids = list(session_ids)
    ops = [{"op": "load", "session": session_id} for session_id in ids]
    return dict(zip(ids, play(version, home, ops, on_copy=True), strict=True))


def read_transcript(version: str, home: Path, session_id: str) -> list[Message]:
    """Return what ``load_transcript`` of ``version`` gives for one session."""
    return read_transcripts(version, home, [session_id])[session_id]


def list_sessions(version: str, home: Path) -> list[dict[str, Any]]:
    """Return the rows of ``list_sessions_rich`` with its defaults, without a limit."""
    rows: list[dict[str, Any]] = play(version, home, [{"op": "list"}], on_copy=True)[0]
    return rows


def ask(version: str, home: Path, name: str, *args: Any) -> Any:
    """Return ``SessionDB.<name>(*args)`` of ``version``."""
    return play(version, home, [{"op": "call", "name": name, "args": args}], on_copy=True)[0]


def resume_tip(version: str, home: Path, session_id: str) -> str:
    """Return the session that the picker shows for the chain of ``session_id``."""
    return str(ask(version, home, "get_compression_tip", session_id))


def resume_target(version: str, home: Path, session_id: str) -> str:
    """Return the session that ``--resume session_id`` opens."""
    return str(ask(version, home, "resolve_resume_session_id", session_id))


def session_by_title(version: str, home: Path, title: str) -> str | None:
    """Return the session that resuming by ``title`` opens."""
    found: str | None = ask(version, home, "resolve_session_by_title", title)
    return found


def normalise_all(
    version: str, transcripts: Mapping[str, Sequence[Message]]
) -> dict[str, list[Message]]:
    """Return the transcripts as ``version`` would read them if it had stored them itself.

    Each is written by the release into a fresh home and read back, so its own sanitizing and view
    rules (0.17.0 orders by time, 0.18.0 and later strip review turns, 0.19.0 repairs sequences)
    apply. Before that, lists of content parts become the text that an agent stores for them, and
    ``session_meta`` and role system go; after it, only the fields that R7 names are left, without
    those that are null.
    """
    ids = list(transcripts)
    ops = [
        {"op": "store", "session": f"session-{number}", "messages": _prepare(transcripts[key])}
        for number, key in enumerate(ids)
    ]
    with tempfile.TemporaryDirectory(prefix="hermes-judge-") as folder:
        stored = play(version, Path(folder) / "home", ops)
    return {
        key: [
            {field: message[field] for field in _FIELDS if message.get(field) is not None}
            for message in messages
        ]
        for key, messages in zip(ids, stored, strict=True)
    }


def normalise(messages: Sequence[Message], version: str) -> list[Message]:
    """Return ``normalise_all`` of one transcript."""
    return normalise_all(version, {"": messages})[""]


def differences(
    version: str, home: Path, expected: Mapping[str, Sequence[Message]]
) -> dict[str, str]:
    """Compare what ``version`` reads of ``home`` with ``expected`` (by session id), as R7 says.

    Returns one line per session that differs: {} means that all read the same.
    """
    found = normalise_all(version, read_transcripts(version, home, expected))
    wanted = normalise_all(version, expected)
    lines = {}
    for session_id, messages in wanted.items():
        seen = found[session_id]
        if seen != messages:
            pairs = zip(seen, messages, strict=False)
            first = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
            where = min(len(seen), len(messages)) if first is None else first
            lines[session_id] = (
                f"{len(seen)} messages instead of {len(messages)}; number {where} differs: "
                f"{seen[where : where + 1]} instead of {messages[where : where + 1]}"
            )
    return lines


def open_with(version: str, home: Path) -> None:
    """Let ``version`` open the home itself and close it again, which migrates it."""
    play(version, home, [])


def append_turn(
    version: str,
    home: Path,
    session_id: str,
    messages: Sequence[Message],
    at: float,
    source: str = "telegram",
) -> None:
    """Let an agent of ``version`` write ``messages`` to ``session_id`` of the home itself."""
    turn = {"op": "turn", "session": session_id, "source": source, "messages": list(messages)}
    play(version, home, [{**turn, "at": at}])


def delete_session(version: str, home: Path, session_id: str, *, files: bool = False) -> bool:
    """Delete a session of the home itself, as the dashboard does or (``files``) as the CLI does."""
    op = {"op": "delete", "session": session_id, "at": 0.0, "files": files}
    return bool(play(version, home, [op])[0]["deleted"])


def _prepare(messages: Sequence[Message]) -> list[Message]:
    return [
        {
            **{field: message[field] for field in _FIELDS if field in message},
            "content": flatten(message["content"])
            if isinstance(message.get("content"), list)
            else message.get("content"),
        }
        for message in messages
        if message["role"] not in ("session_meta", "system")
    ]
