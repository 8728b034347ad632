from real_gateway import db, write
from rows import clock, say

session = write("71", "72")["71"]
db.end_session(session, "session_reset")
clock.now += 600
say(session, "Are you still there?", "I am.")
