from real_gateway import FILE, gateway_session, peer, rotate, say, start, write

sessions = write("71")
older = FILE.read_text()
rotate(sessions["71"], "onward")
store = start()
anew = store.reset_session(gateway_session.build_session_key(peer("71")))
say(anew.session_id, "A new chat.", "Yes.")
store._db.close()
FILE.write_text(older)
