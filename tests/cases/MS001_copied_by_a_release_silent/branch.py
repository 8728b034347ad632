from equal_words import copy, db, say

db.create_session("tree", source="cli")
say("tree")
db.end_session("tree", "branched")
mark = {"_branched_from": "tree"}
db.create_session("branch", source="cli", model_config=mark, parent_session_id="tree")
copy("tree", "branch")
db.close()
