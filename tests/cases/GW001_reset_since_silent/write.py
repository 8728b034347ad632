from real_gateway import db, rotate, write

sessions = write("71", "72")
rotate(sessions["71"], "onward")
db.end_session("onward", "session_reset")
