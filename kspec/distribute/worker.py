"""A worker process: `python -m kspec.distribute.worker DESCRIPTOR`, started by a crew.

It does its jobs in the order in which they come. A thread listens meanwhile, so that the driver can
always send, a job can be cut short, and a worker whose driver is gone ends at once.
"""

from __future__ import annotations

import _thread
import os
import pickle
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

from kspec.distribute.station import station_of
from kspec.distribute.wire import portable
from kspec.explore.collector import seldom_collecting

Message = tuple[str, Any]


class Worker:
    """Jobs in, answers out, over one connection.

    Messages in: ("recipe", pickled) changes the system, ("job", (number, method, arguments)) asks
    for an answer, ("cut", number) ends all jobs up to that number. Answers: (number, is it one,
    value or error); the value of a job that was cut before it began is None.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._recipe = b""
        self._station: Any = None
        self._job = 0
        self._cut = 0

    @seldom_collecting()
    def serve(self) -> None:
        """Work until the driver is gone, which ends the process."""
        signal.signal(signal.SIGINT, self._interrupted)
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            kind, content = self._messages.get()
            if kind == "recipe":
                self._recipe, self._station = content, None
            elif kind == "job":
                self._connection.send(self._answer(*content))

    def _listen(self) -> None:
        try:
            while True:
                kind, content = self._connection.recv()
                if kind == "cut":
                    self._cut = max(self._cut, content)
                    _thread.interrupt_main()
                else:
                    self._messages.put((kind, content))
        finally:
            os._exit(0)

    def _interrupted(self, number: int, frame: Any) -> None:
        """Only the driver cuts jobs short; it is told of Ctrl-C itself."""
        if self._job and self._job <= self._cut:
            raise KeyboardInterrupt

    def _answer(self, number: int, method: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        if number <= self._cut:
            return number, True, None
        self._job, value = number, None
        try:
            if self._station is None:
                self._station = station_of(pickle.loads(self._recipe))
            value = self._station.method(method)(*arguments)
        except KeyboardInterrupt:
            return number, True, value
        except Exception as error:
            return number, False, portable(error)
        finally:
            self._job = 0
        return number, True, value


def main() -> None:
    """Serve the connection whose descriptor the command line names."""
    Worker(Connection(int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
