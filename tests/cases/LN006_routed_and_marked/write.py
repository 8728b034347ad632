from rows import db, say

db.create_session("parent", source="telegram")
say("parent", "Good morning.", "Good morning!")
db.create_session(
    "live",
    source="telegram",
    parent_session_id="parent",
    model_config={"max_iterations": 9, "_delegate_from": "parent"},
)
say("live", "What is for lunch?", "Soup.")
db._conn.execute(
    "INSERT INTO gateway_routing VALUES ('x', 'agent:main:telegram:dm:7',"
    ' \'{"session_id": "live"}\', 1.0)'
)
db._conn.commit()
db.close()
