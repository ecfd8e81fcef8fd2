"""The tables between rules: one schema each, checked on write and on read.

Every table is a TSV file: UTF-8, a header, ``NA`` for missing, floats in their shortest form that
reads back to the same double, rows in the order of the frame. Writing is atomic: a table is either
complete at its path or not there. The meaning of a column stands beside the column; `describe`
turns it into the reference documentation (``docs/outputs.md``).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from pandera.errors import SchemaError
from pandera.pandas import Check, Column, DataFrameSchema

from pathcall.errors import InputError
from pathcall.files import check_seal, write_atomic
from pathcall.study.sample_sheet import COMPUTED

YES_NO = ("yes", "no")
CALLS = ("activated", "repressed", "conflicting", "no_evidence", "not_assessable")
_P = Check.in_range(0, 1)


def _text(description: str, *, nullable: bool = False, unique: bool = False, **kw: Any) -> Column:
    return Column(str, description=description, nullable=nullable, unique=unique, **kw)


def _float(description: str, *checks: Check, nullable: bool = True) -> Column:
    return Column(float, list(checks), description=description, nullable=nullable, coerce=True)


def _int(description: str, *checks: Check) -> Column:
    return Column(int, list(checks), description=description, coerce=True)


def _choice(description: str, values: Iterable[str], *, nullable: bool = False) -> Column:
    return Column(
        str, Check.isin(list(values)), description=description, nullable=nullable, coerce=False
    )


def _schema(name: str, about: str, columns: dict[str, Column], **kw: Any) -> DataFrameSchema:
    kw.setdefault("strict", True)
    return DataFrameSchema(columns, name=name, description=about, ordered=kw["strict"], **kw)


SAMPLES = _schema(
    "samples",
    "The sample sheet joined with GEO's metadata. Further columns: every column of the sheet, "
    "then GEO's characteristics as `geo_…`.",
    {
        "sample": _text("column of the count matrix (GSM accession for GEO sources)", unique=True),
        "included": _choice(COMPUTED["included"], YES_NO),
        "reason": _text(COMPUTED["reason"], nullable=True),
        "library_size": _float(COMPUTED["library_size"]),
        "size_factor": _float(COMPUTED["size_factor"]),
    },
    strict=False,
)

QC_METRICS = _schema(
    "qc/metrics",
    "Quality of each included sample (scanpy's metrics on raw counts).",
    {
        "sample": _text("sample", unique=True),
        "library_size": _float("sum of counts"),
        "n_genes": _int("genes with at least one count"),
        "pct_top_50": _float("percent of counts in the 50 highest genes"),
        "pct_mitochondrial": _float("percent of counts in genes named MT-…"),
        "size_factor": _float("median-of-ratios size factor"),
        "median_correlation": _float("median Spearman correlation with the other samples (VST)"),
        "group": _text("the sample's cell: its levels of all design columns"),
        "group_correlation": _float("median correlation with samples of the same cell"),
        "mate_distance": _float(
            "distance from what the other samples of its model predict for its labels, over the "
            "model's median; NA: nobody shares them"
        ),
    },
)

QC_PCA = _schema(
    "qc/pca",
    "Principal components of the VST values of the most variable genes, one row a sample and "
    "component; sign fixed so that the largest loading is positive.",
    {
        "sample": _text("sample"),
        "component": _text("PC1, PC2, …"),
        "score": _float("coordinate", nullable=False),
        "explained_variance": _float("share of variance, 0 to 1", nullable=False),
    },
)

QC_CORRELATION = _schema(
    "qc/correlation",
    "Spearman correlation of VST values between samples, every ordered pair.",
    {
        "sample": _text("sample"),
        "other": _text("other sample"),
        "correlation": _float("Spearman correlation", nullable=False),
    },
)

QC_FLAGS = _schema(
    "qc/flags",
    "What looks wrong and why; empty when nothing does.",
    {
        "sample": _text("sample; `(all samples)`: the study as a whole"),
        "flag": _choice(
            "what is wrong",
            [
                "library_size",
                "few_genes",
                "duplicate",
                "sits_with_other_group",
                "mixture",
                "outlier",
                "sex",
                "confounded",
            ],
        ),
        "severity": _choice("how bad", ["info", "warning", "severe"]),
        "value": _float("what was measured"),
        "threshold": _float("the limit it crossed"),
        "reason": _text("in words"),
        "advice": _text("what to do about it"),
    },
)

DE = _schema(
    "de/{contrast}",
    "Differential expression: every gene of the matrix, in matrix order; genes with fewer than ten "
    "counts over the model's samples are not fitted and have NA.",
    {
        "gene_id": _text("id as in the count matrix", unique=True),
        "symbol": _text("gene symbol", nullable=True),
        "base_mean": _float("mean of normalised counts over the model's samples"),
        "log2fc": _float("log2 fold change, test over reference, maximum likelihood"),
        "lfc_se": _float("its standard error (log2)"),
        "stat": _float("Wald statistic"),
        "pvalue": _float("two-sided p of the Wald test", _P),
        "padj": _float("Benjamini-Hochberg FDR after independent filtering", _P),
        "log2fc_shrunk": _float("apeGLM-shrunken log2 fold change of the same contrast"),
        "lfc_se_shrunk": _float("its posterior standard deviation (log2)"),
        "outlier": _choice("p-value withheld for a Cook's-distance outlier", YES_NO),
    },
)

LRT = _schema(
    "lrt/{model}",
    "Likelihood-ratio test of each term of the design: does this factor matter at all.",
    {
        "gene_id": _text("id as in the count matrix"),
        "symbol": _text("gene symbol", nullable=True),
        "term": _text("term left out of the reduced design"),
        "df": _int("degrees of freedom"),
        "stat": _float("twice the difference of log likelihoods"),
        "pvalue": _float("chi-squared p", _P),
        "padj": _float("Benjamini-Hochberg FDR within the term", _P),
    },
)

ENRICHMENT = _schema(
    "enrichment/{contrast}",
    "Competitive tests of the whole declared collection on the ranked Wald statistics; every set "
    "is listed, tested or not.",
    {
        "gene_set": _text("gene set"),
        "collection": _text("collection it belongs to"),
        "n_genes": _int("genes in the set"),
        "n_matched": _int("of them with a statistic"),
        "es": _float("GSEA enrichment score"),
        "nes": _float("normalised enrichment score"),
        "pvalue": _float("GSEA multilevel p", _P),
        "fdr": _float("GSEA FDR over the declared collection", _P),
        "z_camera": _float("correlation-adjusted z (camera on ranked statistics)"),
        "p_camera": _float("its two-sided p", _P),
        "fdr_camera": _float("Benjamini-Hochberg FDR over the declared collection", _P),
        "leading_edge": _text("leading-edge genes, `;`-separated", nullable=True),
        "note": _text("why a set was not tested", nullable=True),
    },
)

ACTIVITY = _schema(
    "activity/{contrast}",
    "Footprints: a multivariate linear model over all pathways of a footprint model at once.",
    {
        "model": _text("footprint model"),
        "source": _text("pathway of the model"),
        "n_targets": _int("target genes with a statistic"),
        "score": _float("t statistic of the pathway's coefficient"),
        "pvalue": _float("p after correction for inter-gene correlation", _P),
        "fdr": _float("Benjamini-Hochberg FDR over the model's pathways", _P),
    },
)

READOUTS = _schema(
    "readouts/{contrast}",
    "What the genes of each readout say in one contrast, by each gene-level method, towards the "
    "pathway (expected direction applied). Gene-level tests support a call, they never make one.",
    {
        "pathway": _text("pathway"),
        "readout": _text("readout of the panel"),
        "family": _text("family of evidence"),
        "role": _choice("role in the panel", ["evidence", "control", "context"]),
        "method": _choice(
            "gsea: gseapy prerank, unsigned sets; camera: competitive test with inter-gene "
            "correlation; mlm: footprints, all pathways at once; gene: the Wald test of a readout "
            "of one gene; …_adjusted: beside the pathway's declared confounders",
            ["gsea", "camera", "camera_adjusted", "mlm", "mlm_adjusted", "gene"],
        ),
        "n_genes": _int("genes with a statistic"),
        "coverage": _float("share of the readout's genes with a statistic", _P),
        "effect": _float(
            "gsea: enrichment score; gene: log2 fold change; else mean Wald statistic of the "
            "readout's genes (by weight) beyond that of the others"
        ),
        "stat": _float("gsea: normalised enrichment score; gene: Wald statistic; else z"),
        "pvalue": _float("two-sided p", _P),
        "fdr": _float("Benjamini-Hochberg FDR over the readouts of a method", _P),
        "note": _text("why it was not tested, or what it was adjusted for", nullable=True),
    },
)

SCORES = _schema(
    "scores/samples",
    "Signature scores of single samples on VST values.",
    {
        "sample": _text("sample"),
        "signature": _text("readout, gene set or footprint"),
        "method": _text(
            "weighted_z (readouts: the score that is tested, docs/method.md, log2 units; other "
            "signatures: residual standard deviations of a gene) or ssgsea (gseapy, beside it)"
        ),
        "score": _float("score"),
    },
)

EVIDENCE = _schema(
    "evidence",
    "Each readout's evidence in each contrast, by each method, and its vote.",
    {
        "contrast": _text("contrast"),
        "pathway": _text("pathway"),
        "readout": _text("readout of the panel"),
        "family": _text("family of evidence"),
        "role": _choice("role in the panel", ["evidence", "control", "context"]),
        "method": _text(
            "sample_score: the rule's own test across samples (docs/method.md), `effect` in log2 "
            "units; beside it those of `readouts/{contrast}`"
        ),
        "n_genes": _int("genes with a value"),
        "coverage": _float("share of the readout's genes with a value", _P),
        "effect": _float("effect towards the pathway, after the expected direction"),
        "stat": _float("statistic, after the expected direction"),
        "pvalue": _float("two-sided p", _P),
        "fdr": _float("FDR", _P),
        "vote": _int(
            "-1, 0 or +1, after the expected direction: what the one test alone says",
            Check.isin([-1, 0, 1]),
        ),
        "note": _text("what to know about it", nullable=True),
        "se": _float("standard error of `effect`, of tests on samples"),
        "df": _float("degrees of freedom of `stat`, of tests on samples"),
    },
)

CALLS_TABLE = _schema(
    "calls",
    "The call of each pathway in each contrast.",
    {
        "contrast": _text("contrast"),
        "pathway": _text("pathway"),
        "call": _choice("the call", CALLS),
        "confidence": _choice("how much to trust it", ["high", "moderate", "low", "none"]),
        "n_readouts": _int("evidence readouts that could be assessed"),
        "n_up": _int("of them, votes for activated"),
        "n_down": _int("of them, votes for repressed"),
        "families": _text("families that carry the call, `;`-separated", nullable=True),
        "control_ok": _choice(
            "on-target control: as expected, not, or none declared",
            ["yes", "no", "not_applicable"],
        ),
        "false_call_rate": _float("share of mock contrasts with a false call", _P),
        "reason": _text("in words"),
        "status": _choice(
            "called; not_separable: called, but a declared confounder explains it as well; "
            "rule_not_met: lines move together or against each other, without a call; "
            "no_change_seen; not_assessable",
            ["called", "not_separable", "rule_not_met", "no_change_seen", "not_assessable"],
        ),
        "effect": _float("mean log2 change of the lines of evidence, towards the pathway"),
        "ci_low": _float("lower end of its 95% interval"),
        "ci_high": _float("upper end of its 95% interval"),
        "pvalue": _float("two-sided p of the lines' joint test (rotation test)", _P),
        "fdr": _float("FDR over all pathways and contrasts of the study", _P),
    },
)

ADJUSTED = _schema(
    "adjusted",
    "Calls of pathways with declared confounders, and what the confounders do.",
    {
        "contrast": _text("contrast"),
        "pathway": _text("pathway"),
        "call_unadjusted": _choice("call of the rule without a look at confounders", CALLS),
        "call_adjusted": _choice("no_evidence where a confounder explains the call as well", CALLS),
        "confounders": _text("the declared confounders that can be scored, `;`-separated"),
        "moved": _text("of them, those that move the way of the call", nullable=True),
        "strongest_t": _float("|t| of the mean of the lines of a call"),
        "confounder_t": _float("largest |t| of a confounder that moves the way of the call"),
        "separable": _choice("no: one of them explains the call as well (docs/method.md)", YES_NO),
        "effect": _float("mean log2 change of the lines of evidence"),
        "confounder": _text("the first that explains the call as well", nullable=True),
    },
)

CALIBRATION = _schema(
    "calibration/{model}",
    "How often the whole rule makes a call where there is nothing: mock contrasts of the model's "
    "own replicates, and counts simulated with its dispersions and gene correlations.",
    {
        "model": _text("model"),
        "pathway": _text("pathway"),
        "source": _choice("how the null contrasts were made", ["mock_contrasts", "simulation"]),
        "n_contrasts": _int("null contrasts"),
        "n_called": _int("of them, called activated or repressed"),
        "false_call_rate": _float("their share", _P),
        "ci_high": _float("upper end of its 95% interval (Clopper-Pearson)", _P),
        "used": _choice("the rate that calls.tsv gives", YES_NO),
        "ci_low": _float("lower end of its 95% interval (Clopper-Pearson)", _P),
    },
)

NFKB_GENES = _schema(
    "nfkb_genes",
    "Genes that tell the arms of NF-κB apart, in each contrast.",
    {
        "contrast": _text("contrast"),
        "symbol": _text("gene symbol"),
        "part": _text("its part"),
        "expressed": _choice("passes the filter of its model (`filter` in the config)", YES_NO),
        "base_mean": _float("mean of normalised counts"),
        "log2fc": _float("log2 fold change"),
        "lfc_se": _float("its standard error"),
        "padj": _float("FDR", _P),
    },
)

SENSITIVITY = _schema(
    "sensitivity",
    "The calls under other, equally defensible choices: a multiverse.",
    {
        "contrast": _text("contrast"),
        "pathway": _text("pathway"),
        "kind": _text("kind of choice: ranking, filter, evidence, threshold, sample"),
        "variant": _text("the choice"),
        "call": _choice("call under it", CALLS),
        "agrees": _choice("same as the main call of the rule, before confounders", YES_NO),
        "agreement": _float("share of the variants of this contrast and pathway that agree", _P),
    },
)

COMBINED = {
    "group": _text("group of contrasts"),
    "effect": _float("random-effects mean"),
    "ci_low": _float("95% interval (Hartung-Knapp), lower end"),
    "ci_high": _float("upper end"),
    "pvalue": _float("two-sided p", _P),
    "fdr": _float("Benjamini-Hochberg FDR within the group", _P),
    "i2": _float("heterogeneity I², 0 to 1", _P),
    "n_contrasts": _int("contrasts with a value"),
    "loo_low": _float("smallest effect with one contrast left out"),
    "loo_high": _float("largest effect with one contrast left out"),
    "error_correlation": _float(
        "largest correlation between the errors of two of the contrasts, from samples they share; "
        "intervals and p allow for it; 0: no two share a sample",
        Check.in_range(-1, 1),
    ),
}

COMBINED_GENES = _schema(
    "combined/genes",
    "Log2 fold changes combined over the contrasts of a group.",
    {
        "group": COMBINED["group"],
        "gene_id": _text("id as in the count matrix"),
        "symbol": _text("gene symbol", nullable=True),
        **{key: column for key, column in COMBINED.items() if key != "group"},
    },
)

COMBINED_PATHWAYS = _schema(
    "combined/pathways",
    "Readout effects (sample scores, towards the pathway) combined over the contrasts of a group.",
    {
        "group": COMBINED["group"],
        "pathway": _text("pathway"),
        "readout": _text("readout"),
        **{key: column for key, column in COMBINED.items() if key != "group"},
    },
)

SECRETOME = _schema(
    "secretome/{contrast}",
    "Secreted factors that change (padj < alpha).",
    {
        "gene_id": _text("id as in the count matrix"),
        "symbol": _text("gene symbol"),
        "class": _text("class of the factor"),
        "direction": _choice("direction of the change", ["up", "down"]),
        "log2fc": _float("log2 fold change"),
        "log2fc_shrunk": _float("apeGLM-shrunken log2 fold change"),
        "padj": _float("FDR", _P),
        "osteoclast": _text("osteoclast-activating or osteolytic set it is in", nullable=True),
        "group": _text("group of the contrast", nullable=True),
        "n_in_group": _int("contrasts of the group in which it changes the same way"),
    },
)

SECRETOME_OVERLAP = _schema(
    "secretome/overlap",
    "Secretome per contrast: over-representation of secreted factors among changed genes, "
    "genes with an FDR as the background.",
    {
        "contrast": _text("contrast"),
        "class": _text("class of factors, or `all`"),
        "direction": _choice("direction of the change", ["up", "down"]),
        "n_class": _int("factors of the class among the genes with an FDR"),
        "n_changed": _int("changed genes in that direction"),
        "n_overlap": _int("factors among them"),
        "n_background": _int("genes with an FDR"),
        "odds_ratio": _float("odds ratio"),
        "pvalue": _float("hypergeometric p", _P),
        "fdr": _float("Benjamini-Hochberg FDR within the contrast", _P),
        "genes": _text("the factors, `;`-separated", nullable=True),
    },
)

FRA1 = _schema(
    "secretome/fra1",
    "FOSL1 (FRA1) and the genes of its readouts that have a statistic, in each contrast.",
    {
        "contrast": _text("contrast"),
        "readout": _text("readout of the pathway FRA1_AP1"),
        "role": _choice("the readout's only gene, or one of its targets", ["driver", "target"]),
        "gene_id": _text("id as in the count matrix"),
        "symbol": _text("gene symbol"),
        "direction": _int("+1 if the gene rises with FRA1, -1 if it falls", Check.isin([-1, 1])),
        "log2fc": _float("log2 fold change"),
        "log2fc_shrunk": _float("apeGLM-shrunken log2 fold change"),
        "padj": _float("FDR", _P),
    },
)

RANKING = _schema(
    "ranking",
    "All pathways of the panel side by side in each contrast, by sample scores: which one leads. "
    "Effects are in residual standard deviations of the score, so that they can be compared.",
    {
        "contrast": _text("contrast"),
        "kind": _choice(
            "pathway: mean score of its evidence readouts, one for each line of evidence; "
            "footprint; hallmark",
            ["pathway", "footprint", "hallmark"],
        ),
        "name": _text("pathway, footprint or gene set"),
        "effect": _float("standardised effect of the contrast on the score"),
        "ci_low": _float("95% interval, lower end"),
        "ci_high": _float("upper end"),
        "stat": _float("moderated t across samples"),
        "pvalue": _float("two-sided p", _P),
        "fdr": _float("Benjamini-Hochberg FDR within the contrast", _P),
        "rank": _float("rank by absolute effect among all rows of the contrast, 1 leads"),
        "rank_low": _float("95% interval of the rank, best"),
        "rank_high": _float("worst"),
        "kind_rank": _float("rank among the rows of the same kind"),
        "kind_rank_low": _float("95% interval of that rank, best"),
        "kind_rank_high": _float("worst"),
        "p_first": _float("share of simulated contrasts in which it leads its kind", _P),
    },
)

INPUTS = _schema(
    "provenance/inputs",
    "Every file that entered the analysis.",
    {
        "file": _text("path"),
        "url": _text("where it came from", nullable=True),
        "source": _text(
            "geo (metadata), ncbi, recount3, supplementary, file, embedded, sheet or panel"
        ),
        "bytes": _int("size"),
        "sha256": _text("SHA-256 of the bytes"),
        "retrieved": _text("UTC time of the download (NA: not downloaded)", nullable=True),
        "kind": _choice("nature of the data", ["real", "embedded", "simulated", "reconstructed"]),
        "note": _text("origin, or why an earlier source was passed over", nullable=True),
    },
)

SOFTWARE = _schema(
    "provenance/software",
    "Software that made the results.",
    {
        "name": _text("package", unique=True),
        "version": _text("version"),
        "used_for": _text("what for"),
        "citation": _text("citation", nullable=True),
    },
)


def write_table(frame: pd.DataFrame, path: str | Path, schema: DataFrameSchema) -> None:
    """Check `frame` against `schema` and write it to `path`, whole or not at all.

    Parameters
    ----------
    frame
        Rows in their final order; the index is not written.
    path
        Target; its folder is made.
    schema
        One of this module's schemas.

    Raises
    ------
    pandera.errors.SchemaError
        The frame breaks the schema: a bug of the caller.
    """
    checked = schema.validate(frame)
    text = checked.to_csv(sep="\t", index=False, na_rep="NA", lineterminator="\n")
    write_text(text, path)


def write_text(text: str, path: str | Path) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all, with its seal beside it."""
    write_atomic(text, path, sealed=True)


def read_table(path: str | Path, schema: DataFrameSchema) -> pd.DataFrame:
    """Read a table and check it against `schema`.

    Only ``NA`` is missing: a gene called ``NaN`` or ``nan`` stays text.

    Raises
    ------
    InputError
        The file was cut or changed since it was written, or does not fit the schema, naming file,
        column and value.
    """
    check_seal(path)
    text = {name: str for name, column in schema.columns.items() if str(column.dtype) == "str"}
    frame = pd.read_csv(
        path,
        sep="\t",
        dtype=text,
        na_values=["NA"],
        keep_default_na=False,
        float_precision="round_trip",
        encoding="utf-8",
    )
    try:
        return schema.validate(frame)
    except SchemaError as error:
        raise InputError(
            f"table does not fit its schema: {error.args[0]}",
            where=str(path),
            fix="delete the file and run again; it was edited or comes from another version",
        ) from error


def describe(schema: DataFrameSchema) -> str:
    """Markdown reference of one table: its columns and what they mean."""
    rows = [f"### `{schema.name}`", "", str(schema.description), "", "| column | meaning |",
            "|---|---|"]  # fmt: skip
    for name, column in schema.columns.items():
        meaning = str(column.description)
        values = [
            f"`{value}`"
            for check in column.checks
            if check.name == "isin" and column.dtype is not None and str(column.dtype) == "str"
            for value in check.statistics["allowed_values"]
        ]
        if values and values != ["`yes`", "`no`"]:
            meaning += f"; one of {', '.join(values)}"
        elif values:
            meaning += " (yes/no)"
        rows.append(f"| `{name}` | " + meaning.replace("|", "\\|") + " |")
    return "\n".join(rows) + "\n"
