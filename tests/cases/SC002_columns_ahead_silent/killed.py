import os
import sqlite3

from hermes_state import SessionDB

connect = sqlite3.connect


class Killed(sqlite3.Cursor):
    def execute(self, sql, *arguments):
        if sql.startswith("UPDATE schema_version"):
            os._exit(0)
        return super().execute(sql, *arguments)


class Contended(sqlite3.Connection):
    def cursor(self, factory=Killed):
        return super().cursor(factory)


sqlite3.connect = lambda *given, **named: connect(*given, **named, factory=Contended)

SessionDB()
raise SystemExit("the new number was written")
