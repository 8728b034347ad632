from real_gateway import db, hears, start, write

write("72")
store = start()
session = hears(store, "71")
store._db.close()
assert db.delete_session(session)
