import os
import pathlib
import shutil
import time

from hermes_state import SessionDB

now = 1780000000.0  # a day in May 2026


def tick():
    global now
    now += 5.0
    return now


time.time = tick
db = SessionDB()


def say(name, *words):
    for number, word in enumerate(words):
        db.append_message(name, "assistant" if number % 2 else "user", word)


db.create_session("parent", source="telegram")
say("parent", "Where did we put the tent poles?", "In the blue bag, I think.")
db.create_session("child", source="telegram", parent_session_id="parent")
say("child", "They are not there.", "Behind the skis?", "Found them!")
db.close()

home = pathlib.Path(os.environ["HERMES_HOME"])
snapshot = home / "state-snapshots" / "20260528-120000"
snapshot.mkdir(parents=True)
shutil.copyfile(home / "state.db", snapshot / "state.db")
