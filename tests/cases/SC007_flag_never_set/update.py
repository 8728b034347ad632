from hermes_state import SessionDB

db = SessionDB()
assert db.get_messages("bees") == []
db.append_message("bees", "user", "And then?")
db._conn.execute("UPDATE messages SET active = 1 WHERE content = 'And then?'")
db.close()
