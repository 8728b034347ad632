from rows import db, say

db.create_session("talk", source="cli")
say("talk", "Name three rivers.", "Elbe, Oder, Spree.")
db.append_message("talk", "user", [{"type": "image_url", "image_url": {"url": "data:,"}}])
call = [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}]
db.append_message("talk", "assistant", "", tool_calls=call)
db.append_message("talk", "tool", "nothing", tool_name="find", tool_call_id="c1")
db.append_message("talk", "assistant", "I found nothing.")
db.create_session("gone", source="cli")
say("gone", "Forget this.", "It is forgotten.")
db.delete_session("gone")
db.close()
