from real_gateway import FILE, db, gateway_session, peer, rotate, say, start, write

sessions = write("71")
older = FILE.read_text()
rotate(sessions["71"], "onward")
store = start()
anew = store.reset_session(gateway_session.build_session_key(peer("71")))
say(anew.session_id, "A new chat.", "Yes.")
store._db.close()
db._conn.execute("UPDATE sessions SET user_id = 'another' WHERE id = ?", (anew.session_id,))
db._conn.commit()
rotate(anew.session_id, "anew-onward")
FILE.write_text(older)
