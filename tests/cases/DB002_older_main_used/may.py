from hermes_state import SessionDB

db = SessionDB()
db.create_session("tea", source="cli")
for day in range(40):
    db.append_message("tea", "user", f"Day {day}: which tea today? " + "Tell me all. " * 40)
    db.append_message("tea", "assistant", f"Day {day}: Assam. " + "It is strong and malty. " * 40)
db.close()
