import os

from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")

db._conn.execute("PRAGMA wal_autocheckpoint = 0")
db._conn.execute("INSERT INTO state_meta VALUES ('a_plugin', zeroblob(2097152))")
db._conn.commit()
os._exit(0)
