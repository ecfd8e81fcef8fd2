"""Firefox without a driver: its own remote protocol, Marionette, over a socket.

Messages are ``LENGTH:JSON``; a command is ``[0, id, name, parameters]``, an answer ``[1, id, error,
result]`` (https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

# What a page logs is asked for in the browser's own context.
_ERRORS = """
return Services.console.getMessageArray()
  .filter((m) => m instanceof Ci.nsIScriptError && m.sourceName.startsWith('file:'))
  .map((m) => m.errorMessage);
"""


class Firefox:
    """A headless Firefox with an empty profile in `folder`."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folder.mkdir(parents=True, exist_ok=True)
        preferences = {
            "marionette.port": port,
            "app.update.auto": False,
            "browser.shell.checkDefaultBrowser": False,
            "datareporting.policy.dataSubmissionEnabled": False,
            "network.proxy.type": 1,  # nothing leaves: a proxy that is not there
            "network.proxy.http": "127.0.0.1",
            "network.proxy.http_port": 9,
            "network.proxy.ssl": "127.0.0.1",
            "network.proxy.ssl_port": 9,
        }
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in preferences.items()]
        (folder / "user.js").write_text("\n".join(lines), encoding="utf-8")
        self.process = subprocess.Popen(
            [program, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote",
             "--profile", str(folder)],
            env={**os.environ, "HOME": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.socket = self._connected(port)
        self.count = 0
        self._read()  # its greeting
        self.send("WebDriver:NewSession", {"capabilities": {}})

    def _connected(self, port: int) -> socket.socket:
        end = time.monotonic() + 120
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=120)
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.process.kill()
                    raise
                time.sleep(0.2)

    def _read(self) -> Any:
        head = b""
        while not head.endswith(b":"):
            head += self.socket.recv(1)
        left, parts = int(head[:-1]), []
        while left:
            parts.append(self.socket.recv(left))
            left -= len(parts[-1])
        return json.loads(b"".join(parts))

    def send(self, command: str, parameters: dict[str, Any] | None = None) -> Any:
        """Send a command and wait for its answer."""
        self.count += 1
        body = json.dumps([0, self.count, command, parameters or {}]).encode()
        self.socket.sendall(str(len(body)).encode() + b":" + body)
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def open(self, path: Path) -> None:
        """Open a file."""
        self.send("WebDriver:Navigate", {"url": path.resolve().as_uri()})

    def run(self, script: str, *args: Any) -> Any:
        """Run a script in the page; its ``return`` comes back."""
        sent = {"script": script, "args": list(args), "sandbox": None}
        return self.send("WebDriver:ExecuteScript", sent)["value"]

    def wait(self, script: str, seconds: float = 60) -> Any:
        """Wait until a script returns something true."""
        end = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, script
            time.sleep(0.1)
        return value

    def pointer(self, x: float, y: float, *, click: bool = False) -> None:
        """Move the mouse to a point of the window, and click there."""
        steps: list[dict[str, Any]] = [
            {"type": "pointerMove", "x": int(x) - 3, "y": int(y), "duration": 20},
            {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20},
        ]
        if click:
            steps += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "actions": steps}
        self.send("WebDriver:PerformActions", {"actions": [mouse]})

    def errors(self) -> list[str]:
        """Errors and warnings of scripts and styles of pages opened from disk."""
        self.send("Marionette:SetContext", {"value": "chrome"})
        found = self.send("WebDriver:ExecuteScript", {"script": _ERRORS, "args": []})["value"]
        self.send("Marionette:SetContext", {"value": "content"})
        return list(found)

    def close(self) -> None:
        """End it."""
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
