import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 5.25
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()


def say(name, *words):
    for number, word in enumerate(words):
        db.append_message(name, "assistant" if number % 2 else "user", word)


db.create_session("odd", source="cli")
call = {"id": "c1", "type": "function", "function": {"name": "terminal", "arguments": "{}"}}
picture = [{"type": "text", "text": "Here:"}, {"type": "image_url", "image_url": {"url": "data:"}}]
db.append_message("odd", "user", "Gr\u00fc\u00dfe \U0001f600\x00 and more")
db.append_message("odd", "assistant", None, tool_calls=[call])
db.append_message("odd", "tool", "", tool_name="terminal", tool_call_id="c1")
db.append_message("odd", "assistant", "")
db.append_message("odd", "user", picture)
db.append_message("odd", "assistant", "A picture.")
db.close()
