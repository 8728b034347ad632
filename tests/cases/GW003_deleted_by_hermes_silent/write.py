from real_gateway import db, write

session = write("72", "71/5")["71/5"]
assert db.delete_session(session)
assert db._conn.execute("SELECT COUNT(*) FROM telegram_dm_topic_bindings").fetchone()[0] == 0
