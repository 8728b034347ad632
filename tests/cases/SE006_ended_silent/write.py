from rows import db, say

for number in range(100):
    db.create_session(f"s{number}", source="cli")
    say(f"s{number}", f"Question {number}?", f"Answer {number}.")
    if number > 3:
        db.end_session(f"s{number}", "cli_close")
