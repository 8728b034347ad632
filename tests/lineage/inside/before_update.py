"""Chats and delegates' runs as 0.15.2 and 0.16.0 leave them: none of them has a mark of its own."""

import time

now = 1780000000.0  # a day in May 2026


def tick():
    global now
    now += 5.0
    return now


time.time = tick

from hermes_state import SessionDB  # noqa: E402  (the clock first)

db = SessionDB()
SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted"
LIMIT = "You've reached the maximum number of tool-calling iterations allowed. Please stop."


def chat(name, *words, parent=None, source="cli", tool=True, title=None, platform=None):
    db.create_session(name, source=source, parent_session_id=parent)
    for word in words:
        db.append_message(name, "user", word, platform_message_id=platform)
        if tool:
            db.append_message(name, "tool", f"files for {word}", tool_name="ls", tool_call_id="c")
        db.append_message(name, "assistant", f"answer to {word}")
    if title:
        db.set_session_title(name, title)


# What a person has: short untitled chats with a tool, by each proof; and one that is titled.
chat("two-questions", "How many photos?", "And how many twice?")
chat("from-telegram", "Where is the key?", source="telegram", platform="tg-7")
chat("titled", "What is for lunch?", title="Lunch")
chat("talk", "Name three rivers.", "And lakes?", source="tui", title="Rivers")
chat("tui-branch", "Name three rivers.", "And lakes?", "And seas?", parent="talk", source="tui")
# A compression whose parent was opened again by `--resume`: the child looks like a delegate's run.
chat("resumed", "Plan the trip.", "By train?", title="Trip")
db.end_session("resumed", "compression")
chat("continued", "Plan the trip.", SUMMARY, "When does it leave?", parent="resumed")
db.reopen_session("resumed")
# What a delegate leaves: the task it was given, a tool, an answer; one ran into its limit.
for number in range(3):
    chat(f"helper-{number}", f"Count the files in folder {number}.", parent="talk")
chat("at-limit", "Read every log.", LIMIT, parent="talk")
chat("no-parent", "Fetch the page and say what it costs.")
db.close()
