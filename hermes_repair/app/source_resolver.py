"""Reading a message from its source again, when its row is written."""

from __future__ import annotations

from hermes_repair.home.layout import Home
from hermes_repair.model.actions import RowInsert
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused
from hermes_repair.model.values import Row
from hermes_repair.repair.apply import Resolve
from hermes_repair.transcripts.message_rows import message_to_row
from hermes_repair.transcripts.reader import read_record


def resolver(home: Home) -> Resolve:
    """Return the function that makes the row of an insert from the bytes that it names."""

    def resolve(action: RowInsert) -> Row:
        if action.source is None:
            return action.values
        path = home.root / action.source.path
        try:
            message = read_record(
                path, action.source.offset, action.source.length, action.source.sha256
            )
        except (ValueError, OSError) as error:
            raise Refused(
                f"{path} changed or vanished after the plan was made.",
                advice("Nothing of this chat was imported. Run `{}` again.", command("repair")),
            ) from error
        session, timestamp = action.values["session_id"], action.values["timestamp"]
        if not isinstance(session, str) or not isinstance(timestamp, float):
            raise Refused("This plan is damaged: a message has no session or no time.")
        try:
            row = message_to_row(message, session, timestamp, frozenset(action.columns))
        except ValueError as error:
            raise Refused(
                f"A message of {path}, at byte {action.source.offset}, is {error}: it cannot be"
                " stored.",
                advice(
                    "Nothing of this chat was imported. Run `{}` to plan again.", command("repair")
                ),
            ) from error
        return {**row, **action.values}

    return resolve
