from rows import db, say

SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Rivers."
db.create_session("talk", source="telegram")
say("talk", "Name three rivers.", "Elbe, Oder, Spree.")
db.end_session("talk", "compression")
db.create_session("half", source="telegram", parent_session_id="talk")
say("half", SUMMARY, "Ready.", "And lakes?", "Müritz.")
db.create_session("other", source="telegram", parent_session_id="talk")
say("other", SUMMARY, "Ready.", "And seas?", "The Baltic.")
db.end_session("half", "compression")
db.create_session("helper", source="telegram", parent_session_id="half")
say("helper", "Look up the length of the Elbe.", "1,094 km.")
db.close()
