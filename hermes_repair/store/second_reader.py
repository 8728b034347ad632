"""A second reader of a file that does not change, on a thread of its own.

SQLite lets go of the interpreter while it works, so a second processor does what it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from hermes_repair.model.values import Value
from hermes_repair.store.connections import open_immutable
from hermes_repair.store.integrity import Soundness, soundness
from hermes_repair.store.look import Look, View

Rows = list[tuple[Value, ...]]


class SecondReader:
    """Takes questions while the first reader is at work, and answers them in their order."""

    def __init__(self, look: Look, thread: ThreadPoolExecutor) -> None:
        self._look, self._thread = look, thread
        self._begun: dict[str, Future[Rows]] = {}

    def soundness(self) -> Future[Soundness]:
        """Begin with the check of the file (:func:`.integrity.soundness`)."""
        return self._thread.submit(soundness, self._look)

    def begin(self, questions: Iterable[str]) -> None:
        """Take queries without parameters that the first reader is going to put."""
        for sql in questions:
            self._begun[sql] = self._thread.submit(self._answer, sql)

    def rows(self, sql: str) -> Rows | None:
        """Return all rows of a query, None where it was not begun with: it is dropped then.

        Waits where the answer is on its way. Raises as :meth:`Look.rows` does.
        """
        begun = self._begun.pop(sql, None)
        return None if begun is None or begun.cancel() else begun.result()

    def _answer(self, sql: str) -> Rows:
        return list(self._look.rows(sql))


@contextmanager
def second_reader(path: Path) -> Iterator[SecondReader]:
    """Give a second reader of a main file that nobody has open.

    What it has not answered when the caller leaves is interrupted and dropped.
    """
    with (
        closing(open_immutable(path, any_thread=True)) as connection,
        ThreadPoolExecutor(1, "reader") as thread,
    ):
        try:
            yield SecondReader(Look(connection, View.MAIN, path), thread)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)
            connection.interrupt()
