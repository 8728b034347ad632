from rows import db, say

SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted. Tides."

for name, source in (("essay", "cli"), ("talk", "telegram")):
    db.create_session(name, source=source)
    say(name, "Help me with an essay on tides.", "Begin with the moon.")
    for number in (1, 2):
        helper = f"{name}-helper-{number}"
        db.create_session(helper, source=source, parent_session_id=name)
        say(helper, f"Look up tide table {number}.", "High water at six.")
    say(name, "Is that all?", "There is the sun, too.")
    db.end_session(name, "compression")
    db.create_session(f"{name}-2", source=source, parent_session_id=name)
    say(f"{name}-2", "Help me with an essay on tides.", "Begin with the moon.", SUMMARY)
    say(f"{name}-2", "Now the sun.", "It makes spring tides.")
    db.update_token_counts(f"{name}-2", input_tokens=900, output_tokens=60, api_call_count=1)
db.end_session("essay-2", "cli_close")
db.close()
