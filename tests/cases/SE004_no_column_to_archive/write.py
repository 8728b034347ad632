from rows import db

db.create_session("ghost", source="tui")
db.close()
