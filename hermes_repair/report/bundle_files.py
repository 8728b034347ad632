"""The files of a bundle for a bug report, with what could tell who somebody is taken out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hermes_repair.app.bug_evidence import BugEvidence
from hermes_repair.app.run_details import RunDetails
from hermes_repair.model.words import escape, utc_day
from hermes_repair.report import doctor_text, json_documents

PLAIN_ID = re.compile(r"(?:cron_[0-9a-f]+_)?\d{8}_\d{6}(?:_[0-9a-f]{4,8})?")
"""Ids that Hermes makes itself: a date, a time, random digits. Any other may be a person's name."""

OF_A_USER = re.compile(r"(?:/home|/Users|/mnt/[a-z]/Users)/[^/\s\"'`]+")
"""Folders of users by the customs of Linux, macOS and WSL."""

READ_ME = """\
A bundle of hermes-repair for a bug report. It was shown before it was written, and has
no text and no title of a chat.

doctor.json      what the doctor found: ids of findings, counts, times
structure.txt    how the tables differ from those that Hermes makes
versions.json    of hermes-repair, Python, SQLite, the system, Hermes
runs.json        what hermes-repair did here: steps and counts, no value of any row
last-error.txt   where hermes-repair itself failed last, if it did

Ids of sessions that Hermes did not make itself are replaced (id-1a2b3c4d), the same one by the
same. The folder of a user is written as ~, a Hermes folder elsewhere as HERMES_HOME.
"""


def bundle_files(evidence: BugEvidence, user_home: str) -> dict[str, str]:
    """Return the texts by the names of their files.

    ``user_home`` is the user's folder, which the texts do not name.
    """
    diagnosis = evidence.diagnosis
    hidden = Hidden(evidence.ids, str(diagnosis.home.root), user_home)
    envelope = json_documents.envelope(str(diagnosis.home.root), diagnosis.database)
    found = {**envelope, **doctor_text.document(diagnosis, every_profile=False)}
    files = {
        "README.txt": READ_ME,
        "doctor.json": _json(hidden.value(found)),
        "structure.txt": "".join(f"{hidden.text(escape(line))}\n" for line in evidence.structure),
        "versions.json": _json(hidden.value(evidence.versions)),
        "runs.json": _json(hidden.value([_run(run) for run in evidence.runs])),
    }
    if evidence.log is not None:
        files["last-error.txt"] = hidden.text(evidence.log)
    return files


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True, default=str) + "\n"


def _run(run: RunDetails) -> dict[str, Any]:
    entry = run.entry
    return {
        "command": entry.header.command,
        "tool_version": entry.header.tool_version,
        "day": utc_day(entry.header.created),
        "state": entry.state,
        "steps": [
            {"kind": step.kind, "findings": list(step.findings), "state": step.state.value}
            for step in run.steps
        ],
        "changes": entry.actions,
        "messages_added": sum(chat.added for chat in run.chats),
        "messages_removed": sum(chat.removed for chat in run.chats),
    }


class Hidden:
    """Takes out of texts what a stranger need not know."""

    def __init__(self, ids: Iterable[str], hermes_home: str, user_home: str) -> None:
        folders = {user_home.rstrip("/"): "~", hermes_home.rstrip("/"): "HERMES_HOME"}
        self._folders = {
            re.compile(rf"{re.escape(folder)}(?![\w.-])"): name
            for folder, name in folders.items()
            if folder
        }
        names = sorted((id for id in ids if not PLAIN_ID.fullmatch(id)), key=len, reverse=True)
        self._names = {form: _instead(id) for id in names for form in (id, escape(id))}
        found = "|".join(map(re.escape, sorted(self._names, key=len, reverse=True)))
        self._any = re.compile(rf"(?<!\w)(?:{found})(?!\w)") if found else None

    def text(self, text: str) -> str:
        """Return a text without these ids, and without the folders of Hermes and of any user."""
        if self._any is not None:
            text = self._any.sub(lambda match: self._names[match[0]], text)
        for folder, name in self._folders.items():
            text = folder.sub(name, text)
        return OF_A_USER.sub("~", text)

    def value(self, value: Any) -> Any:
        """Return a JSON value with :meth:`text` done to every string in it, keys aside."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(part) for part in value]
        return value


def _instead(id: str) -> str:
    return "id-" + hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
