"""Where tests get their homes from. Each layer uses those above it.

==============  ================================================================================
``rows``        sessions and messages as mappings by column, and what writes them
``database``    a ``state.db`` of any schema: its structure alone, or filled with these rows
``home``        a folder with ``state.db`` and ``sessions/``; its database opened, asked, changed
``folders``     where homes lie: in memory where there is room
``content``     the files of a home and the rows of its database, as values to compare
``small``       the small home of 13 or 14 with one damage of each kind
``populated``   the home of 11 to 15 with something for every data step on the way to 22
``by_releases`` homes that real releases write
``damage``      what befalls a home: files as a kill leaves them, lost rows, locks left behind
==============  ================================================================================

What plays whole lives of homes at random lies with its judges: ``tests/scenario``,
``tests/histories``, ``tests/histories_lineage``, ``tests/random_homes`` and ``tests/fuzz``.
"""
