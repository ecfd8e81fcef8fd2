"""The one kind of error a user meets: what is wrong, where, and how to fix it, on one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

QUOTES = "'\""
MAX_PART = 600
"""Characters of a part of the line: a value of a broken file may be a megabyte."""


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


class NotPresentError(DownloadError):
    """The server says that there is no such file (404), or nothing may be asked (offline)."""


class DamagedError(InputError):
    """The bytes are cut short or corrupt: another try may help."""


def _rebuild(kind: type[PathcallError], what: str, where: str, fix: str) -> PathcallError:
    return kind(what, where=where, fix=fix)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > MAX_PART:
        line = f"{line[: MAX_PART - 100]} … {line[-90:]}"
    return line if line.isprintable() else "".join(map(_printable, line))


def _printable(character: str) -> str:
    """The character, or its escape where a terminal would act on it or show nothing."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def shown(value: object) -> str:
    """A value as an error message quotes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[0] if text[0] in QUOTES else ''}"


def choose(value: str, known: Iterable[str], *, what: str) -> str:
    """How to correct an unknown name: the nearest known one, if there is one, and what there is.

    Parameters
    ----------
    value
        The unknown name.
    known
        Names that are known.
    what
        What these are, as the subject of a sentence: ``the columns are``.
    """
    names = list(dict.fromkeys(known))
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    listed = f"{what}: {listed}" if names else f"{what}: none"
    near = nearest(value, names)
    return listed if near is None else f"did you mean {near!r}? {listed[0].upper()}{listed[1:]}"


def nearest(value: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that was probably meant: another case, or a few letters off."""
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.casefold(), name)
    near = difflib.get_close_matches(value.casefold()[:200], folded, n=1, cutoff=cutoff)
    return folded[near[0]] if near else None
