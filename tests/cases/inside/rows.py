"""Sessions and messages as a release's own ``SessionDB`` stores them, five seconds apart.

Importing it sets the clock and opens the release's database.
"""

import time

from hermes_state import SessionDB


class Clock:
    """What ``time.time`` tells: five seconds later each time it is asked."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        self.now += 5.0
        return self.now


clock = time.time = Clock(1780000000.0)  # a day in May 2026
db = SessionDB()


def say(name, *words):
    """Store a dialogue in a session, the user first."""
    for number, word in enumerate(words):
        db.append_message(name, "assistant" if number % 2 else "user", word)
