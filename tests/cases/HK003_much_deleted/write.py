from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")
db._conn.execute("INSERT INTO state_meta VALUES ('a_plugin', zeroblob(20971520))")
db._conn.commit()
db._conn.execute("DELETE FROM state_meta WHERE key = 'a_plugin'")
db._conn.commit()
