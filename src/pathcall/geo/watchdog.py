"""A limit on how slowly a server may answer, whatever part of the answer it drips.

Time limits of sockets count from byte to byte: a header that comes at a byte a second, repeated
``100 Continue``, a chunk size or trailers without end pass them for ever, and hold the host's lock
for all runs of the user. The watchdog counts bytes of the body only, from a thread of its own, and
shuts the connection down where too few came in a window of time, or the whole took too long.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import urllib3

MIN_BYTES_PER_S = 1_000.0
"""Floor on the speed of the body, over each window."""


class Watchdog:
    """Watches the connections of one transfer.

    Parameters
    ----------
    window_s
        Seconds in which ``window_s * MIN_BYTES_PER_S`` bytes of the body must come, the time for
        connecting and for headers included.
    total_s
        Seconds that the whole transfer may take.
    """

    def __init__(self, window_s: float, total_s: float) -> None:
        self._window_s = window_s
        self._end = time.monotonic() + total_s
        self._sockets: list[socket.socket] = []
        self._guard = threading.Lock()
        self._done = threading.Event()
        self._bytes = 0
        self.tripped: str | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop watching."""
        self._done.set()
        self._thread.join()

    def received(self, n: int) -> None:
        """Count bytes of the body."""
        self._bytes += n

    def pool(self, **how: Any) -> urllib3.PoolManager:
        """A pool of connections that the watchdog can shut down."""
        return self._watched(urllib3.PoolManager(**how))

    def proxy(self, address: str) -> urllib3.ProxyManager:
        """The same through a proxy."""
        manager = urllib3.ProxyManager(address)
        self._watched(manager)
        return manager

    def _watched(self, manager: urllib3.PoolManager) -> urllib3.PoolManager:
        watch = self._watch_socket

        class Http(urllib3.connection.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                watch(self.sock)

        class Https(urllib3.connection.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                watch(self.sock)

        class HttpPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Http

        class HttpsPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Https

        manager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}
        return manager

    def _watch_socket(self, sock: Any) -> None:
        with self._guard:
            self._sockets.append(sock)
        if self.tripped:
            self._shut_down()

    def _watch(self) -> None:
        window, since = time.monotonic(), 0
        while not self._done.wait(min(0.25, self._window_s / 8)):
            now = time.monotonic()
            if now > self._end:
                self.tripped = "the transfer took longer than it may"
            elif now - window >= self._window_s:
                came = self._bytes - since
                if came < MIN_BYTES_PER_S * (now - window):
                    self.tripped = f"transfer stalled: {came} bytes in {now - window:.0f} s"
                window, since = now, self._bytes
            if self.tripped:
                self._shut_down()
                return

    def _shut_down(self) -> None:
        with self._guard:
            for sock in self._sockets:
                with contextlib.suppress(OSError, ValueError):
                    sock.shutdown(socket.SHUT_RDWR)
