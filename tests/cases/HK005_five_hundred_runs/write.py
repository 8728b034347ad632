from rows import db

for number in range(500):
    id = f"cron_job_{number}"
    db.create_session(id, source="cron")
    db.append_message(id, "user", "Water the plants.")
    db.end_session(id, "cron_complete")
