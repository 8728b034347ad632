from real_gateway import FILE, db, write
from rows import clock, say

session = write("71", "72")["71"]
db._conn.execute("PRAGMA foreign_keys = OFF")
db._conn.execute("UPDATE messages SET session_id = 'chat' WHERE session_id = ?", (session,))
db._conn.execute("UPDATE sessions SET id = 'chat' WHERE id = ?", (session,))
db._conn.execute(
    "UPDATE gateway_routing SET entry_json = replace(entry_json, ?, 'chat')", (session,)
)
db._conn.commit()
FILE.write_text(FILE.read_text().replace(session, "chat"))
db.end_session("chat", "cli_close")
clock.now += 600
say("chat", "Are you still there?", "I am.")
