from real_gateway import gateway_session, peer, rotate, start, write

sessions = write("71")
rotate(sessions["71"], "onward")
store = start()
store.suspend_session(gateway_session.build_session_key(peer("71")))
store._db.close()
