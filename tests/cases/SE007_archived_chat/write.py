from real_gateway import db, lead, write
from rows import say

write("71", "72")
db.create_session("chat", source="telegram")
say("chat", "And tomorrow?", "The same number.")
lead("71", "chat")
assert db.set_session_archived("chat", True)
