from hermes_state import SessionDB

db = SessionDB()
db.create_session("west", source="cli")
db.append_message("west", "user", "Holidays once more.")
db.append_message("west", "assistant", "Where to?")
db._conn.execute("UPDATE sessions SET title = 'Holidays' WHERE id = 'west'")
db._conn.commit()
db.close()
