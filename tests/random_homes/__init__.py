"""Random homes that the real releases make, and what no repair may ever do to one.

A seed stands for one home: a person with two chats and, in every third home, a second profile, who
goes through up to four releases with up to twenty acts of every kind (``tests/histories`` plays
them and keeps the truth about each message), some of them damage. Doctor, ``repair --yes`` and
``undo`` run on each profile as typed, and are held against the truth. A seed that fails is named
with its history; shorten that by hand and make it a case.

    python -m tests.random_homes FIRST COUNT
"""
