"""Transcript files in, what they hold beside the database out.

Everything below works on values, except :mod:`.session_files` and :mod:`.reader`, which read (and
never write) the files under ``sessions/``. No module here opens SQLite.
"""
