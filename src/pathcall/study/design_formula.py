"""Design formulas: a small grammar, a design matrix, and the rows of cells for contrasts.

A formula is columns of the sample sheet joined by ``+ * : - 0 1 ( )``. It is parsed here and never
evaluated: formula libraries run arbitrary Python inside a term. Factors get treatment coding with
the alphabetically first level as the reference; redundancy between terms is resolved as in R's
``model.matrix`` and patsy: a factor is coded in full where the term without it is not spanned yet.

Importing this module costs NumPy only, since the Snakefile checks every design before any job.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product

import numpy as np
import numpy.typing as npt

from pathcall.errors import ConfigError, shown

Float = npt.NDArray[np.float64]
Term = frozenset[str]
Row = Mapping[str, str]

_TOKEN = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*|[01](?![A-Za-z0-9_.])|[~+*:()-])")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
INTERCEPT: Term = frozenset()
# A formula of a real study has a few terms. Beyond these limits it is a mistake, or an attack: the
# number of terms grows exponentially with `*`, and Python's stack is finite.
MAX_LENGTH = 1000
MAX_DEPTH = 20
MAX_TERMS = 100
MAX_ORDER = 6
MAX_COEFFICIENTS = 2000


@dataclass(frozen=True)
class Formula:
    """A parsed formula: its text and its terms (empty term: the intercept), by order."""

    text: str
    terms: tuple[Term, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Sheet columns the formula uses, in order of appearance."""
        found: list[str] = re.findall(r"[A-Za-z][A-Za-z0-9_]*", self.text)
        used = frozenset().union(*self.terms)
        return tuple(dict.fromkeys(name for name in found if name in used))


def parse_formula(text: str, *, where: str) -> Formula:
    """Parse a design formula.

    Parameters
    ----------
    text
        Such as ``~ tumour * drug``.
    where
        Config key it comes from, for messages.

    Raises
    ------
    ConfigError
        Anything beyond column names and ``+ * : - 0 1 ( )``; a term that is removed but is not
        there; a formula of more than `MAX_LENGTH` characters, `MAX_DEPTH` nested brackets,
        `MAX_TERMS` terms or interactions of more than `MAX_ORDER` columns.
    """
    if len(text) > MAX_LENGTH:
        raise _bad(f"it has more than {MAX_LENGTH:,} characters", text, where)
    tokens: list[str] = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].strip()
            raise _bad(f"unexpected {rest[0]!r}", text, where)
        tokens.append(match.group(1))
        position = match.end()
    if not tokens or tokens[0] != "~":
        raise _bad("a design starts with `~`", text, where)
    parser = _Parser(tokens[1:], text, where)
    terms = parser.sum()
    if parser.tokens:
        raise _bad(f"unexpected {parser.tokens[0]!r}", text, where)
    if not any(terms) and INTERCEPT not in terms:
        raise _bad("the design has no terms", text, where)
    return Formula(text.strip(), tuple(sorted(terms, key=len)))


class _Parser:
    """Recursive descent; a sum of terms is an ordered list without repeats."""

    def __init__(self, tokens: list[str], text: str, where: str) -> None:
        self.tokens = tokens
        self.text = text
        self.where = where
        self.depth = 0

    def sum(self, *, top: bool = True) -> list[Term]:
        terms: list[Term] = [INTERCEPT] if top else []
        sign = "+"
        if self.tokens[:1] == ["-"]:
            sign = self.tokens.pop(0)
        while True:
            if self.tokens[:1] == ["0"]:  # `+ 0` is `- 1`
                self.tokens.pop(0)
                part, sign = [INTERCEPT], "-" if sign == "+" else "+"
            else:
                part = self.star()
            if sign == "+":
                terms += [term for term in part if term not in terms]
            else:
                self.check_removed(part, terms, top=top)
                terms = [term for term in terms if term not in part]
            self.check_number(terms)
            if self.tokens[:1] not in (["+"], ["-"]):
                return terms
            sign = self.tokens.pop(0)

    def check_removed(self, part: list[Term], terms: list[Term], *, top: bool) -> None:
        for term in part:
            if term == INTERCEPT and not top:
                raise self.bad("`0` and `- 1` stand outside of brackets only")
            if term != INTERCEPT and term not in terms:
                raise self.bad(f"`{':'.join(sorted(term))}` is removed, but is no term of it")

    def check_number(self, terms: list[Term]) -> None:
        if len(terms) > MAX_TERMS:
            raise self.bad(f"it has more than {MAX_TERMS} terms")
        if any(len(term) > MAX_ORDER for term in terms):
            raise self.bad(f"an interaction is of more than {MAX_ORDER} columns")

    def bad(self, what: str) -> ConfigError:
        return _bad(what, self.text, self.where)

    def star(self) -> list[Term]:
        terms = self.colon()
        while self.tokens[:1] == ["*"]:
            self.tokens.pop(0)
            right = self.colon()
            both = [a | b for a, b in product(terms, right)]
            terms = list(dict.fromkeys([*terms, *right, *both]))
            self.check_number(terms)
        return terms

    def colon(self) -> list[Term]:
        terms = self.atom()
        while self.tokens[:1] == [":"]:
            self.tokens.pop(0)
            terms = list(dict.fromkeys(a | b for a, b in product(terms, self.atom())))
            self.check_number(terms)
        return terms

    def atom(self) -> list[Term]:
        if not self.tokens:
            raise self.bad("the formula ends too early")
        token = self.tokens.pop(0)
        if token == "(":
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.bad(f"it has more than {MAX_DEPTH} nested brackets")
            terms = self.sum(top=False)
            if self.tokens[:1] != [")"]:
                raise self.bad("a `)` is missing")
            self.tokens.pop(0)
            self.depth -= 1
            return terms
        if token == "1":
            return [INTERCEPT]
        if token in "0~+*:-)":
            raise self.bad(f"unexpected {token!r}")
        return [frozenset([token])]


def _bad(what: str, text: str, where: str) -> ConfigError:
    return ConfigError(
        f"invalid design formula: {what}",
        where=f"{where}, value {shown(text)}",
        fix="use columns of the sample sheet and + * : - 0 1 ( ) only; nothing is evaluated",
    )


@dataclass(frozen=True)
class Design:
    """Design matrix of a model, and how its columns are made.

    Attributes
    ----------
    formula
        The parsed formula.
    samples
        Samples, the rows.
    coefficients
        Names of the columns: ``Intercept``, ``drug[vemurafenib]``, ``tumour[SR]:drug[vehicle]``.
    matrix
        ``samples × coefficients``.
    levels
        Factor → its levels, sorted; the first is the reference.
    continuous
        Columns that are numbers.
    """

    formula: Formula
    samples: tuple[str, ...]
    coefficients: tuple[str, ...]
    matrix: Float
    levels: Mapping[str, tuple[str, ...]]
    continuous: tuple[str, ...]
    rows: tuple[Row, ...]
    _columns: tuple[tuple[Term, Callable[[Row], float]], ...]

    def encode(self, rows: Iterable[Row]) -> Float:
        """Design rows (``rows × coefficients``) of given levels."""
        return np.array([[make(row) for _, make in self._columns] for row in rows], dtype=float)

    def cell(self, cell: Row) -> Float:
        """Design row of a cell, averaged over the factors that the cell leaves open.

        Open factors are averaged over their levels with equal weight, continuous columns that are
        left open stand at their mean; what both sides of a contrast leave open cancels unless it
        interacts with what they name.
        """
        open_factors = [name for name in self.levels if name not in cell]
        means = {
            name: repr(float(np.mean([float(row[name]) for row in self.rows])))
            for name in self.continuous
            if name not in cell
        }
        grid = product(*(self.levels[name] for name in open_factors))
        rows = [{**cell, **means, **dict(zip(open_factors, point, strict=True))} for point in grid]
        mean: Float = self.encode(rows).mean(axis=0)
        return mean

    def reduced(self, term: Term) -> Float | None:
        """Design matrix of the model without a term, ``samples × coefficients``.

        The term goes together with every interaction that contains it. The constant stays wherever
        the full model spans it, written or not: the levels of ``~ 0 + group`` are held against
        equal levels. None where nothing is left, as of ``~ 0 + dose``.
        """
        terms = self.formula.terms
        kept = [own for own in terms if own != INTERCEPT and not own >= term]
        if any(all(name in self.levels for name in own) for own in terms):
            kept.insert(0, INTERCEPT)
        if not kept:
            return None
        columns = [
            make for _, _, make in _columns(Formula(self.formula.text, tuple(kept)), self.levels)
        ]
        return np.array([[make(row) for make in columns] for row in self.rows], dtype=float)


def build_design(
    formula: Formula,
    samples: Sequence[str],
    rows: Sequence[Row],
    *,
    continuous: Sequence[str] = (),
    where: str,
) -> Design:
    """Make the design matrix of a model.

    Parameters
    ----------
    formula
        Parsed formula.
    samples
        Samples of the model.
    rows
        Their levels, one mapping a sample.
    continuous
        Columns that are numbers.
    where
        Model it belongs to, for messages.

    Raises
    ------
    ConfigError
        A level is missing, a continuous value is not a number, a factor has one level, the design
        is not of full rank, or it leaves no residual degrees of freedom.
    """
    for name in continuous:
        if name not in formula.columns:
            raise ConfigError(
                "a continuous column is not in the design",
                where=f"{where}, continuous, value {name!r}",
                fix="name columns of the design only",
            )
    for name in formula.columns:
        for sample, row in zip(samples, rows, strict=True):
            if row[name] == "":
                raise ConfigError(
                    "a sample has no level in a column of the design",
                    where=f"{where}, column {name!r}, sample {sample}",
                    fix="fill it in, exclude the sample, or narrow `samples` of the model",
                )
            if name in continuous and parse_number(row[name]) is None:
                raise ConfigError(
                    "a continuous column holds text",
                    where=f"{where}, column {name!r}, value {shown(row[name])} ({sample})",
                    fix="write a number with a decimal point, or take the column out of "
                    "`continuous`",
                )
    levels = {
        name: tuple(sorted({row[name] for row in rows}))
        for name in formula.columns
        if name not in continuous
    }
    for name, known in levels.items():
        if len(known) < 2:
            raise ConfigError(
                "the design is not of full rank: a factor has a single level",
                where=f"{where}, column {name!r}, value {known[0]!r}",
                fix="take the column out of the design, or widen `samples` of the model",
            )
    columns = list(islice(_columns(formula, levels), MAX_COEFFICIENTS + 1))
    if len(columns) > MAX_COEFFICIENTS:
        raise ConfigError(
            f"the design has more than {MAX_COEFFICIENTS:,} coefficients",
            where=f"{where}, design {shown(formula.text)}, levels: "
            + ", ".join(f"{len(known)} of {name}" for name, known in levels.items()),
            fix="take columns out of the design that name samples, or combine levels",
        )
    names = tuple(name for name, _, _ in columns)
    makers = tuple((term, make) for _, term, make in columns)
    matrix = np.array([[make(row) for _, make in makers] for row in rows], dtype=float)
    design = Design(
        formula, tuple(samples), names, matrix, levels, tuple(continuous), tuple(rows), makers
    )
    _check_rank(design, where)
    return design


def _columns(
    formula: Formula, levels: Mapping[str, tuple[str, ...]]
) -> Iterable[tuple[str, Term, Callable[[Row], float]]]:
    spanned: set[tuple[Term, Term]] = set()
    for term in formula.terms:
        numbers = frozenset(name for name in term if name not in levels)
        factors = [name for name in formula.columns if name in term and name in levels]
        subsets = [
            frozenset(subset)
            for size in range(len(factors) + 1)
            for subset in combinations(factors, size)
        ]
        new = [subset for subset in subsets if (numbers, subset) not in spanned]
        spanned.update((numbers, subset) for subset in new)
        for coding in _merge(new):
            choices = [
                [(name, level) for level in levels[name][0 if coding[name] else 1 :]]
                for name in factors
                if name in coding
            ]
            ordered_numbers = [name for name in formula.columns if name in numbers]
            for point in product(*choices):
                parts = [f"{name}[{level}]" for name, level in point] + ordered_numbers
                yield ":".join(parts) or "Intercept", term, _maker(point, ordered_numbers)


def _merge(subsets: list[Term]) -> list[dict[str, bool]]:
    """Merge spanned subsets into codings, factor → coded in full (patsy's rule).

    A subset stands for the interaction of its factors in reduced coding; a subset and the same
    less one factor together are that factor coded in full.
    """
    codings = [dict.fromkeys(subset, False) for subset in sorted(subsets, key=len)]
    merged = True
    while merged:
        merged = False
        for short, long in product(codings, codings):
            extra = [name for name in long if name not in short]
            rest = {name: full for name, full in long.items() if name in short}
            if len(extra) == 1 and rest == short and not long[extra[0]]:
                codings.remove(short)
                long[extra[0]] = True
                merged = True
                break
    return codings


def _maker(point: Sequence[tuple[str, str]], numbers: Sequence[str]) -> Callable[[Row], float]:
    def make(row: Row) -> float:
        if any(row[name] != level for name, level in point):
            return 0.0
        value = 1.0
        for name in numbers:
            value *= float(row[name])
        return value

    return make


def _check_rank(design: Design, where: str) -> None:
    matrix = design.matrix
    scale = np.linalg.norm(matrix, axis=0)
    unit = matrix / np.where(scale > 0, scale, 1)
    basis = np.zeros((len(matrix), 0))
    dependent: list[str] = []
    for j, name in enumerate(design.coefficients):
        rest = unit[:, j]
        for _ in range(2):  # twice is enough (Kahan and Parlett), whatever the condition
            rest = rest - basis @ (basis.T @ rest)
        norm = float(np.linalg.norm(rest))
        if norm > 1e-8:
            basis = np.column_stack([basis, rest / norm])
        else:
            dependent.append(name)
    if dependent:
        raise ConfigError(
            "the design is not of full rank",
            where=f"{where}, design {design.formula.text!r}, coefficients that the others "
            f"determine: {', '.join(dependent[:10])}"
            + (f" and {len(dependent) - 10} more" if len(dependent) > 10 else ""),
            fix="drop a column that another one determines, or combine them into one column of "
            "the sheet",
        )
    if len(design.coefficients) >= len(design.samples):
        raise ConfigError(
            "the design leaves no residual degrees of freedom: there are no replicates",
            where=f"{where}, design {design.formula.text!r}: {len(design.samples)} samples, "
            f"{len(design.coefficients)} coefficients",
            fix="use fewer columns in the design, or more samples",
        )


def parse_number(text: str) -> float | None:
    """The finite number that a text is; None where it is none.

    Only plain decimals and exponents: Python's `float` also takes ``1_000``, ``inf`` and digits of
    other scripts.
    """
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if np.isfinite(value) else None
