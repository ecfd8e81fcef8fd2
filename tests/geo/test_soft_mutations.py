"""A good family SOFT file, broken in many ways: the right metadata, or one line that says why not.

Format mutations change nothing in what is read. After content mutations each field of each sample
is what the file now says, as a reader of a few lines reads it, or the file is refused.

More examples: ``PATHCALL_MUTATIONS=5000 pytest tests/geo/test_soft_mutations.py``.
"""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pathcall.errors import PathcallError
from pathcall.geo.soft import Series, check_soft, read_soft
from tests.fake_geo import Study
from tests.tried import MUTATIONS, check_line, note

pytestmark = pytest.mark.slow

STUDY = Study()
GOOD = STUDY.soft()
many = settings(
    derandomize=True, deadline=None, max_examples=MUTATIONS, database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
Random = random.Random


def outcome(path: Path, content: bytes, what: str, how: str) -> Series | None:
    """Metadata as the workflow reads them; None where it refuses."""
    path.write_bytes(content)
    try:
        check_soft(path, str(path), study=STUDY.accession, max_bytes=10**8)
        series = read_soft(path, study=STUDY.accession)
    except PathcallError as caught:
        error = caught
    else:
        note(what, how, "read")
        return series
    check_line(error, path)
    note(what, how, "refused")
    return None


# -- format ----------------------------------------------------------------------------------------

HARMLESS: dict[str, Callable[[str, Random], bytes]] = {
    "CRLF": lambda t, r: t.replace("\n", "\r\n").encode(),
    "no last newline": lambda t, r: t.rstrip("\n").encode(),
    "blank lines at the end": lambda t, r: (t + "\n\n").encode(),
    "blanks at ends of lines": lambda t, r: t.replace("\n", "  \n").encode(),
}


@settings(many, max_examples=max(10, MUTATIONS // 10))
@given(rng=st.randoms(use_true_random=False))
def test_the_format_changes_nothing(tmp_path: Path, rng: Random) -> None:
    how = rng.choice(sorted(HARMLESS))
    plain = outcome(tmp_path / "a.soft.gz", gzip.compress(GOOD.encode()), "SOFT", "as it is")
    found = outcome(
        tmp_path / "b.soft.gz", gzip.compress(HARMLESS[how](GOOD, rng)), "SOFT, format", how
    )
    assert plain is not None
    assert found is not None
    pd.testing.assert_frame_equal(found.samples, plain.samples)
    assert (found.accession, found.organisms, found.sra_studies) == (
        plain.accession, plain.organisms, plain.sra_studies,
    )  # fmt: skip


# -- content ---------------------------------------------------------------------------------------

VALUES = ["", " ", "GSE1", "GSM9000001", "GSM9000003", "a = b", "x" * 5_000, "é", "=cmd",
          "<b>x</b>",          "cell line:", ": A549", "treatment: drug", "Mus musculus",
          "None", "\u200b", "\x1b[2J"]  # fmt: skip


def _lost(lines: list[str], rng: Random) -> None:
    del lines[rng.randrange(len(lines))]


def _twice(lines: list[str], rng: Random) -> None:
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))


def _moved(lines: list[str], rng: Random) -> None:
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines)), line)


def _value(lines: list[str], rng: Random) -> None:
    i = rng.randrange(len(lines))
    key, sep, _ = lines[i].partition(" = ")
    lines[i] = key + (sep or " = ") + rng.choice(VALUES)


def _key(lines: list[str], rng: Random) -> None:
    i = rng.randrange(len(lines))
    key, sep, value = lines[i].partition(" = ")
    lines[i] = (
        rng.choice([key.lower(), key[1:], key + "x", "", key.replace("_", " ")]) + sep + value
    )


def _equals(lines: list[str], rng: Random) -> None:
    i = rng.randrange(len(lines))
    lines[i] = lines[i].replace(" = ", rng.choice(["=", " == ", " ", " =", "= "]), 1)


def _block_lost(lines: list[str], rng: Random) -> None:
    heads = [i for i, line in enumerate(lines) if line.startswith("^")]
    a = rng.randrange(len(heads))
    end = heads[a + 1] if a + 1 < len(heads) else len(lines)
    del lines[heads[a] : end]


def _cut(lines: list[str], rng: Random) -> None:
    del lines[rng.randrange(1, len(lines)) :]


def _joined(lines: list[str], rng: Random) -> None:
    i = rng.randrange(len(lines) - 1)
    lines[i : i + 2] = [lines[i] + lines[i + 1]]


CONTENT: dict[str, Callable[[list[str], Random], None]] = {
    "a line lost": _lost, "a line twice": _twice, "a line moved": _moved, "a value": _value,
    "a key": _key, "around the equals sign": _equals, "a block lost": _block_lost, "cut": _cut,
    "two lines joined": _joined,
}  # fmt: skip


def literal(text: str) -> dict[str, dict[str, list[str]]]:
    """Sample → key → values, as the lines say."""
    found: dict[str, dict[str, list[str]]] = {}
    own: dict[str, list[str]] | None = None
    for line in text.split("\n"):
        key, _, value = line.partition("=")
        if line.startswith("^"):
            own = found.setdefault(value.strip(), {}) if line.startswith("^SAMPLE") else None
        elif own is not None:  # GEOparse insists neither on the "!" nor on "Sample"
            own.setdefault(key.strip().partition("_")[2], []).append(value.strip())
    return found


@many
@given(rng=st.randoms(use_true_random=False))
def test_broken_content_is_taken_at_its_word_or_refused(tmp_path: Path, rng: Random) -> None:
    how = rng.choice(sorted(CONTENT))
    lines = GOOD.split("\n")[:-1]
    CONTENT[how](lines, rng)
    text = "\n".join(lines) + "\n"
    content = gzip.compress(text.encode("utf-8", "replace"), 1)
    series = outcome(tmp_path / "x.soft.gz", content, "SOFT, content", how)
    if series is None:
        return
    if how == "two lines joined":  # GEOparse takes "!Sample_" inside a value away
        text = re.sub(r"(?<=.)!Sample_", "", text)
    said = literal(text)
    for sample, row in series.samples.iterrows():
        own = said.get(str(sample), {})
        assert row["title"] == next(iter(own.get("title", [""])), ""), how
        kept = {
            key.strip(): value.strip()
            for key, _, value in (v.partition(":") for v in own.get("characteristics_ch1", []))
        }
        for key in set(kept) & set(series.characteristics):
            assert kept[key] in row[key].split("; ") or row[key] == kept[key], (how, key)


BYTES: dict[str, Callable[[bytes, Random], bytes]] = {
    "cut": lambda c, r: c[: r.randrange(len(c))],
    "a bit flipped": lambda c, r: (
        c[: (at := r.randrange(len(c)))] + bytes([c[at] ^ (1 << r.randrange(8))]) + c[at + 1 :]
    ),
    "a block lost": lambda c, r: c[: (at := r.randrange(len(c)))] + c[at + r.randint(1, 200) :],
    "zeros": lambda c, r: (
        c[: (at := r.randrange(len(c)))] + bytes(len(c[at : at + 64])) + c[at + 64 :]
    ),
}  # fmt: skip


@many
@given(rng=st.randoms(use_true_random=False))
def test_a_damaged_archive_is_refused_or_the_same(tmp_path: Path, rng: Random) -> None:
    how = rng.choice(sorted(BYTES))
    content = BYTES[how](gzip.compress(GOOD.encode(), 1, mtime=0), rng)
    series = outcome(tmp_path / "x.soft.gz", content, "SOFT, gz", how)
    if series is not None:
        plain = outcome(tmp_path / "a.soft.gz", gzip.compress(GOOD.encode()), "SOFT", "as it is")
        assert plain is not None
        pd.testing.assert_frame_equal(series.samples, plain.samples)
