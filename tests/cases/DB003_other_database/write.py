from hermes_cli import kanban_db
from hermes_state import SessionDB

db = SessionDB()
db.create_session("tea", source="cli")
db.append_message("tea", "user", "Green or black?")
db.close()
with kanban_db.connect_closing() as board:
    for number in range(60):
        kanban_db.create_task(board, title=f"Task {number}", body="What is to be done. " * 40)
