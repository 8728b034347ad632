"""Who continues, branches from or was delegated by whom, and how to set a broken lineage right.

Pure: values in, values out; no SQLite, no files, no clock. The SQL that callers run to obtain the
values is in :mod:`hermes_repair.lineage.queries`.
"""
