from hermes_state import SessionDB

db = SessionDB()
db.create_session("birds", source="cli")
picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
db.append_message("birds", "user", [{"type": "text", "text": "Which bird is that?"}, picture])
db.append_message("birds", "assistant", "A grey heron.")
db.close()
