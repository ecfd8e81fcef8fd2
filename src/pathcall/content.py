"""What the user gives is known by its content, not by its time stamp.

Copying with ``cp -p``, moving or unpacking puts other content under an older or equal time, which
Snakemake does not see. So the SHA-256 of each given file is a parameter of the rules that read it.
The files are hashed once a run: the jobs get the values through their environment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, MutableMapping

from pathcall.files import sha256_of

VARIABLE = "PATHCALL_CONTENT"


class Content:
    """SHA-256 of given files, computed by the main process of a run, inherited by its jobs.

    Parameters
    ----------
    main
        Whether this is the main process: it hashes anew; others take what it found.
    environment
        Where the values are handed on.
    """

    def __init__(self, *, main: bool, environment: MutableMapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._known: dict[str, str] = (
            {} if main else json.loads(self._environment.get(VARIABLE, "{}"))
        )

    def of(self, paths: Iterable[str]) -> dict[str, str]:
        """Path → SHA-256; a file that is not there has none."""
        found = {}
        for path in dict.fromkeys(paths):
            if path not in self._known:
                self._known[path] = sha256_of(path)[1] if os.path.isfile(path) else "absent"
            found[path] = self._known[path]
        self._hand_on()
        return found

    def note(self, name: str, compute: Callable[[], str]) -> str:
        """Another value that is to be found once a run: what `compute()` gives."""
        if name not in self._known:
            self._known[name] = compute()
            self._hand_on()
        return self._known[name]

    def _hand_on(self) -> None:
        # A run of many studies has one of these each.
        others = json.loads(self._environment.get(VARIABLE, "{}"))
        self._environment[VARIABLE] = json.dumps({**others, **self._known})
