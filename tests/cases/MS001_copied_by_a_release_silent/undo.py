from equal_words import db, say

db.create_session("undone", source="cli")
db.set_session_title("undone", "Done yet")  # else the update tags it as a delegate's run
say("undone")
said = db.get_messages_as_conversation("undone")
db.replace_messages("undone", said)  # what /undo calls, with what is left
db.close()
