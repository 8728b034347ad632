from real_gateway import FILE, gateway_session, hears, peer, rotate, say, start, write

sessions = write("71")
older = FILE.read_text()
sessions |= write("72")

store = start()
first, other = (gateway_session.build_session_key(peer(chat)) for chat in ("71", "72"))
hears(store, "71")
hears(store, "72")
rotate(sessions["71"], "onward")
store._entries[first].session_id = "onward"
store._save()
say(hears(store, "71"), "Still here?", "Yes.")
store.switch_session(first, sessions["72"])
store.switch_session(other, "onward")
say(hears(store, "72"), "What did you tell them?", "A number.")
store._db.close()
FILE.write_text(older)
