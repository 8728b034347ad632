from rows import db, say

SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted. Tides"
FIRST = ("Help me with an essay on tides.", "Begin with the moon.")


def goes_on(name, *words):
    db.end_session("essay", "compression")
    db.create_session(name, source="cli", parent_session_id="essay")
    say(name, *FIRST, f"{SUMMARY}, {name}.")
    say(name, *words)
    db.update_token_counts(name, input_tokens=900, output_tokens=60, api_call_count=1)


db.create_session("essay", source="cli")
say("essay", *FIRST)
db.create_session("helper", source="cli", parent_session_id="essay")
say("helper", "Look up a tide table.", "High water at six.")
say("essay", "Is that all?", "There is the sun, too.")
goes_on("essay-2", "Now the sun.", "It makes spring tides.")
db.end_session("essay-2", "cli_close")
db.reopen_session("essay")  # hermes --resume essay, up to 0.16.0
say("essay", "And the wind?", "It has its part in it.")
goes_on("essay-3", "How strong?", "A hand's breadth.")
db.close()
