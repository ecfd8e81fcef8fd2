"""The one kind of error a user meets: what is wrong, where, and how to mend it, on one line."""

from __future__ import annotations


class PathcallError(Exception):
    """A mistake or a failure outside pathcall that the user can act on.

    Parameters
    ----------
    what
        What is wrong, in a few words, without a trailing full stop.
    where
        File, column, value or URL that shows it.
    fix
        What to do about it.
    """

    def __init__(self, what: str, *, where: str, fix: str) -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild by keyword, so that the error survives a process pool."""
        return (_rebuild, (type(self), self.what, self.where, self.fix))

    def __str__(self) -> str:
        """One line: ``<what> — <where> — <fix>``."""
        return " — ".join(_one_line(part) for part in (self.what, self.where, self.fix))

    def line(self) -> str:
        """The line for standard error: ``error: <what> — <where> — <fix>``."""
        return f"error: {self}"


class ConfigError(PathcallError):
    """The configuration, the sample sheet or the contrasts table is wrong."""


class InputError(PathcallError):
    """A downloaded or given data file is not what it should be."""


class DownloadError(PathcallError):
    """A server did not give the file."""


def _rebuild(kind: type[PathcallError], what: str, where: str, fix: str) -> PathcallError:
    return kind(what, where=where, fix=fix)


def _one_line(text: str) -> str:
    return " ".join(text.split())
