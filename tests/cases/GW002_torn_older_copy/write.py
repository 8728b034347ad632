from real_gateway import FILE, gateway_session, peer, say, start, write

write("71", "72")
older = FILE.read_text()
store = start()
anew = store.reset_session(gateway_session.build_session_key(peer("71")))
say(anew.session_id, "A new chat.", "Yes.")
store._db.close()
FILE.write_text(older[: len(older) // 2])
