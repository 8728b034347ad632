from rows import clock, db, say

db.create_session("choir", source="telegram")
db.set_session_title("choir", "Choir")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
clock.now -= 5.5
db.create_session("onward", source="telegram", parent_session_id="choir")
db.set_session_title("onward", "Choir #2")
say("onward", "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted: a choir.")
say("onward", "And on Sunday?", "Three.")
db._conn.execute("UPDATE sessions SET api_call_count = 1 WHERE id = 'onward'")
db._conn.commit()
db.close()
