from real_gateway import bind_key, db, rotate, say, write

session = write("71", "72")["71"]
rotate(session, "onward")
db.create_session("younger", source="telegram")
say("younger", "A new chat.", "Yes.")
bind_key("younger", session)
db.end_session("younger", "session_reset")
