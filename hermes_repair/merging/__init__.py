"""Two databases that were one: what only the other has, and whether this home ever had it.

Pure but for :mod:`.read_sides`, which asks two open databases through ``store``; no file, no clock.
``read_sides.compare_databases(home: Look, source: Look, *, brought_before=frozenset(),
partial=False)`` gives a :class:`~hermes_repair.merging.verdicts_of_chats.Comparison`; nothing here
writes.
"""
