from real_gateway import db, gateway_session, peer, say, start, write

session = write("71", "72")["71"]
store = start()
anew = store.reset_session(gateway_session.build_session_key(peer("71")))
say(anew.session_id, "A new chat.", "Yes.")
store._db.close()
assert db.set_session_archived(session, True)
