from real_gateway import FILE, db, write
from rows import clock

clock.now += 86400
session = write("71")["71"]
FILE.write_text(FILE.read_text().replace(session, "onward"))
db._conn.execute("PRAGMA foreign_keys = OFF")
db._conn.execute("UPDATE messages SET session_id = 'onward' WHERE session_id = ?", (session,))
db._conn.execute("UPDATE sessions SET id = 'onward' WHERE id = ?", (session,))
db._conn.commit()
