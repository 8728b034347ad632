import sqlite3

from hermes_state import SessionDB

connect = sqlite3.connect


class Locked(sqlite3.Cursor):
    def execute(self, sql, *arguments):
        if sql.startswith("ALTER TABLE") and "observed" in sql:
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *arguments)


class Contended(sqlite3.Connection):
    def cursor(self, factory=Locked):
        return super().cursor(factory)


sqlite3.connect = lambda *given, **named: connect(*given, **named, factory=Contended)

SessionDB().close()
