from hermes_state import SessionDB

db = SessionDB()
older, hidden = "20260601_080001_1a2b3c", "20260601_080005_1a2b3c"
db.append_message(older, "user", "Question 4?")
db.append_message(older, "assistant", "Answer 4.")
rows = db.get_messages(hidden)
db.rewind_to_message(hidden, rows[-2]["id"])
db.append_message(hidden, "user", "Rewound 9?")
db.append_message(hidden, "assistant", "It was 9.")
db.close()
