"""Histories of conversations, played by the real releases: what may be SAFE in a lineage.

A *history* is what people, programs and crashes do to one chat (``acts``), done by one release in a
home of its own (``play``, ``inside/environment.py``), which also says what is true of it. The
product looks at that home and repairs what is SAFE, and ``judge`` holds it against the truth:
nothing comes back that was undone or deleted, nothing is hidden, nothing is there twice, chats stay
listed and delegates hidden, and there is no warning where nothing was damaged.
"""
