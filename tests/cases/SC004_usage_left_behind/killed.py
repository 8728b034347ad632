import os
import sqlite3

real = sqlite3.connect


def killed_before_copying(sql: str) -> None:
    if " ".join(sql.split()).startswith("INSERT INTO session_model_usage ("):
        os._exit(0)


def connect(*args, **kwargs):
    connection = real(*args, **kwargs)
    connection.set_trace_callback(killed_before_copying)
    return connection


sqlite3.connect = connect

from hermes_state import SessionDB

SessionDB()
raise AssertionError("nothing killed it")
