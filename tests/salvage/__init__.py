"""Salvage: what can be read of a damaged database, held against what lay there before.

==========  =====================================================================================
``stores``  databases of every shape, page size and encoding, each at three moments of its life
``faults``  what befalls their bytes, and which rows SQLite says lie on what it left alone
``judge``   what salvage makes of them, held against the rows that were there
==========  =====================================================================================
"""
