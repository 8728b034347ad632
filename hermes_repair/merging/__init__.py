"""Two databases that were one: what only the other has, and whether this home ever had it.

Pure but for :mod:`.read_sides`, which asks two open databases through ``store``; no file, no clock.
:func:`~hermes_repair.merging.read_sides.compare_databases` gives a
:class:`~hermes_repair.merging.verdicts_of_chats.Comparison`; nothing here writes.
"""
