"""Short histories of chats, played by the real releases, with the truth about every message.

A *history* is a list of steps, each an act in a release: ``0.14.0: turn, lost, undo | 0.19.0:
update, turn``. The releases do the acts (``release_side``), the truth about every message is kept
beside the home, the product compares files and rows of what comes out (``judge``), and a table says
how often it was right (``table``). What may be SAFE is decided by that table.

Measured over samples that the rule was not made from (``table sampled 2 1500`` and ``sampled 77
2000``) and ``systematic 1 1``: 3,158 histories, 3,511 chats with a file; 496 times SAFE, never
wrong; no undamaged home alarmed; nothing doubled where it was asked for. Of 0.19.0, which can
import, 3 of 235 lost ones are SAFE: there the rest is asked for.
"""
