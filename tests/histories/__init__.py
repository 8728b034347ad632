"""Short histories of chats, played by the real releases, with the truth about every message.

A *history* is a list of steps, each an act in a release: ``0.14.0: turn, lost, undo | 0.19.0:
update, turn``. The releases do the acts (``release_side``), the truth about every message is kept
beside the home, the product compares files and rows of what comes out (``judge``), and a table says
how often it was right (``table``). What may be SAFE is decided by that table.
"""
