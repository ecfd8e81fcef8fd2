"""Gene set enrichment analysis of a ranked list of genes, by gseapy."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from pathcall.errors import InputError
from pathcall.signatures.weights import MIN_GENES

logger = logging.getLogger(__name__)

PERMUTATIONS = 1_000
"""Random gene sets behind each normalised enrichment score (Monte-Carlo error about 1%)."""
SAMPLE_SIZE = 101
"""Sample size of the multilevel splits (fgsea's default)."""
SMALLEST_P = 1e-10
"""GSEA p-values are not followed below this (fgsea's default)."""
ATTEMPTS = 10
"""Seeds that are tried where gseapy's sampler fails."""


def gsea(
    ranked: pd.Series, sets: Mapping[str, Sequence[str]], *, seed: int, threads: int = 1
) -> pd.DataFrame:
    """Gene set enrichment analysis of a ranked list: ``gseapy.prerank``, multilevel p-values.

    Parameters
    ----------
    ranked
        Symbol → statistic, no value missing. Ties are ordered by symbol.
    sets
        Name → symbols; each needs `MIN_GENES` ranked genes and must leave one out.
    seed
        Seed of the random gene sets.
    threads
        Threads; the result does not depend on it.

    Returns
    -------
    pandas.DataFrame
        es, nes, pvalue, leading_edge (index: set, as in `sets`).
    """
    columns = ["es", "nes", "pvalue", "leading_edge"]
    if not sets:
        return pd.DataFrame(columns=columns)
    ordered = in_order(ranked)
    ties = int(ordered.duplicated().sum())
    if ties:
        logger.info("%d tied statistics, ordered by symbol", ties)
    result = _prerank(ordered, sets, seed=seed, threads=threads).set_index("Term")
    frame = pd.DataFrame(
        {
            "es": result["ES"].astype(float),
            "nes": result["NES"].astype(float),
            "pvalue": result["NOM p-val"].astype(float),
            "leading_edge": result["Lead_genes"].astype(str),
        }
    )
    return frame.reindex(list(sets))


def in_order(ranked: pd.Series) -> pd.Series:
    """Statistics by symbol, largest first, ties by symbol: the list that GSEA walks along."""
    return ranked.iloc[np.lexsort((ranked.index.to_numpy(dtype=str), -ranked.to_numpy()))]


def _prerank(
    ordered: pd.Series, sets: Mapping[str, Sequence[str]], *, seed: int, threads: int
) -> pd.DataFrame:
    """Run gseapy; go on with a derived seed where its sampler panics.

    gseapy 1.3.1's multilevel sampler can end in a Rust panic ("user-provided comparison function
    does not correctly implement a total order") for one seed and not for the next, on the same
    ranking. The seeds that follow are derived from the first, so the result stays repeatable.
    """
    import gseapy

    for attempt in range(ATTEMPTS):
        derived = np.random.SeedSequence([seed, attempt]).generate_state(1)[0]
        used = int(derived) if attempt else seed
        try:
            with _stderr_to_log():
                result: pd.DataFrame = gseapy.prerank(
                    ordered,
                    {name: list(genes) for name, genes in sets.items()},
                    outdir=None,
                    no_plot=True,
                    ascending=None,
                    method="multilevel",
                    min_size=MIN_GENES,
                    max_size=len(ordered),
                    permutation_num=PERMUTATIONS,
                    sample_size=SAMPLE_SIZE,
                    eps=SMALLEST_P,
                    weight=1.0,
                    seed=used,
                    threads=threads,
                ).res2d
        # PyO3's PanicException is no Exception and has no importable name.
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            logger.warning("gseapy's sampler failed with seed %d (%s); next seed", used, error)
        else:
            return result
    raise InputError(
        "gseapy's GSEA failed on a ranking",
        where=f"{len(ordered)} genes, {len(sets)} sets, seed {seed} and {ATTEMPTS - 1} after it",
        fix="set another `seed` in the config",
    )


@contextlib.contextmanager
def _stderr_to_log() -> Iterator[None]:
    """Take what gseapy writes to standard error, from Python and from Rust, into the log.

    A warning there would stand among the error lines that a user looks at.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    said = io.StringIO()
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            with contextlib.redirect_stderr(said):
                yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            text = said.getvalue() + file.read().decode(errors="replace")
            for line in filter(None, text.splitlines()):
                # Without its time: a log differs between runs only where the runs did.
                logger.info("gseapy: %s", re.sub(r"^[\d-]+ [\d:,]+ ", "", line))
