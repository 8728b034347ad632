from hermes_state import SessionDB

db = SessionDB()
db.create_session("bees", source="telegram")
db.append_message("bees", "user", "When do I open the hive?")
db.append_message("bees", "assistant", "On a calm day above 12 degrees.")
db.set_meta("last_prune", "1780000000")
db.close()
