from rows import db, say

db.create_session("choir", source="telegram")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("empty", source="telegram", parent_session_id="choir")
db._conn.execute(
    "INSERT INTO gateway_routing VALUES ('x', 'agent:main:telegram:dm:7',"
    ' \'{"session_id": "empty"}\', 1.0)'
)
db._conn.commit()
db.close()
