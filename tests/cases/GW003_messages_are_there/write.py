from real_gateway import bind, db, write

write("72", "71/5")
db.create_session("gone", source="telegram")
bind("71/5", "gone")
db._conn.execute("PRAGMA foreign_keys = OFF")
db.append_message("gone", "user", "Are you there?")
db._conn.execute("DELETE FROM sessions WHERE id = 'gone'")
db._conn.commit()
