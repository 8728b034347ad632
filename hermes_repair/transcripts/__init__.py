"""Transcript files in, what they hold beside the database out.

Everything below works on values, except :mod:`.listing`, :mod:`.reader` and :mod:`.json_files`,
which read (and never write) the files under ``sessions/``. No module here opens SQLite.
"""
