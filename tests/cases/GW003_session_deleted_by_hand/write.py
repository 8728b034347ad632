from real_gateway import bind, db, lose, write

write("72", "71/5")
db.create_session("gone", source="telegram")
bind("71/5", "gone")
lose("gone")
