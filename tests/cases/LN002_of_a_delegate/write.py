from rows import db, say

# Two agents rotated the run, and one half was ended.
db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.create_session("run", source="cli", parent_session_id="choir")
say("run", "Ask the tenors who is free on Friday.", "Two are.")
db.end_session("run", "compression")
summary = "[CONTEXT COMPACTION — REFERENCE ONLY] Two tenors are free."
for half, words in (("run2", "Anna and Ben."), ("run3", "Ben and Carl.")):
    db.create_session(half, source="cli", parent_session_id="run")
    say(half, summary, words)
db.end_session("run3", "cli_close")
db.close()
