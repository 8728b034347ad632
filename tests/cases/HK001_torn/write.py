from cron_jobs import FILE, add
from rows import db, say

db.create_session("chat", source="cli")
say("chat", "Is it done?", "Not yet.")
add("water the plants", "read the news")
text = FILE.read_text()
FILE.write_text(text[: text.index("read the news")])
