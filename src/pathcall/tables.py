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
from pathcall.sample_columns import COMPUTED

YES_NO = ("yes", "no")
CALLS = ("activated", "repressed", "conflicting", "no_evidence", "not_assessable")
_P = Check.in_range(0, 1)


# Each column's description says what it means, its title (`label`) how the page heads it, and its
# metadata (`show`) how the page writes a value: the page and docs/outputs.md take them from here.


def _text(
    description: str,
    *,
    nullable: bool = False,
    unique: bool = False,
    label: str = "",
    show: str = "text",
) -> Column:
    return Column(
        str, description=description, nullable=nullable, unique=unique, title=label or None,
        metadata={"show": show},
    )  # fmt: skip


def _float(
    description: str,
    *checks: Check,
    nullable: bool = True,
    label: str = "",
    show: str = "number",
) -> Column:
    return Column(
        float, list(checks), description=description, nullable=nullable, coerce=True,
        title=label or None, metadata={"show": show},
    )  # fmt: skip


def _int(description: str, *checks: Check, label: str = "", show: str = "integer") -> Column:
    return Column(
        int, list(checks), description=description, coerce=True, title=label or None,
        metadata={"show": show},
    )  # fmt: skip


def _choice(
    description: str,
    values: Iterable[str],
    *,
    nullable: bool = False,
    label: str = "",
    show: str = "text",
) -> Column:
    return Column(
        str, Check.isin(list(values)), description=description, nullable=nullable, coerce=False,
        title=label or None, metadata={"show": show},
    )  # fmt: skip


def _schema(name: str, about: str, columns: dict[str, Column], **kw: Any) -> DataFrameSchema:
    kw.setdefault("strict", True)
    return DataFrameSchema(columns, name=name, description=about, ordered=kw["strict"], **kw)


SAMPLES = _schema(
    "samples",
    "The sample sheet joined with GEO's metadata. Further columns: every column of the sheet, "
    "then GEO's characteristics as `geo_…`.",
    {
        "sample": _text(
            "column of the count matrix (GSM accession for GEO sources)",
            unique=True,
            label="Sample",
        ),
        "included": _choice(COMPUTED["included"], YES_NO),
        "reason": _text(COMPUTED["reason"], nullable=True, label="Why it is not used"),
        "library_size": _float(COMPUTED["library_size"], label="Library size", show="integer"),
        "size_factor": _float(COMPUTED["size_factor"]),
    },
    strict=False,
)

QC_METRICS = _schema(
    "qc/metrics",
    "Quality of each included sample (scanpy's metrics on raw counts).",
    {
        "sample": _text("sample", unique=True, label="Sample"),
        "library_size": _float("sum of counts", label="Library size", show="integer"),
        "n_genes": _int("genes with at least one count", label="Genes seen"),
        "pct_top_50": _float("percent of counts in the 50 highest genes", label="% in top 50"),
        "pct_mitochondrial": _float(
            "percent of counts in genes named MT-…", label="% mitochondrial"
        ),
        "size_factor": _float("median-of-ratios size factor", label="Size factor"),
        "median_correlation": _float(
            "median Spearman correlation with the other samples (VST)", label="Median ρ"
        ),
        "group": _text("the sample's cell: its levels of all design columns", label="Group"),
        "group_correlation": _float(
            "median correlation with samples of the same cell", label="Median ρ in group"
        ),
        "mate_distance": _float(
            "distance from what the other samples of its model predict for its labels, over the "
            "model's median; NA: nobody shares them",
            label="Distance from mates",
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
        "sample": _text("sample; `(all samples)`: the study as a whole", label="Sample"),
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
            label="Flag",
        ),
        "severity": _choice("how bad", ["info", "warning", "severe"], label="Severity"),
        "value": _float("what was measured", label="Value"),
        "threshold": _float("the limit it crossed", label="Limit"),
        "reason": _text("in words", label="Reason"),
        "advice": _text("what to do about it", label="What to do"),
    },
)

DE = _schema(
    "de/{contrast}",
    "Differential expression: every gene of the matrix, in matrix order; genes with fewer than ten "
    "counts over the model's samples are not fitted and have NA.",
    {
        "gene_id": _text("id as in the count matrix", unique=True, label="Id"),
        "symbol": _text("gene symbol", nullable=True, label="Gene"),
        "base_mean": _float("mean of normalised counts over the model's samples", label="Mean"),
        "log2fc": _float(
            "log2 fold change, test over reference, maximum likelihood", label="log2 FC"
        ),
        "lfc_se": _float("its standard error (log2)", label="SE"),
        "stat": _float("Wald statistic"),
        "pvalue": _float("two-sided p of the Wald test", _P, label="p", show="pvalue"),
        "padj": _float(
            "Benjamini-Hochberg FDR after independent filtering", _P, label="FDR", show="pvalue"
        ),
        "log2fc_shrunk": _float(
            "apeGLM-shrunken log2 fold change of the same contrast", label="Shrunken"
        ),
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
        "gene_set": _text("gene set", label="Gene set"),
        "collection": _text("collection it belongs to", label="Collection"),
        "n_genes": _int("genes in the set"),
        "n_matched": _int("of them with a statistic", label="Genes"),
        "es": _float("GSEA enrichment score"),
        "nes": _float("normalised enrichment score", label="NES"),
        "pvalue": _float("GSEA multilevel p", _P),
        "fdr": _float(
            "GSEA FDR over the declared collection", _P, label="FDR (GSEA)", show="pvalue"
        ),
        "z_camera": _float(
            "correlation-adjusted z (camera on ranked statistics)", label="z (camera)"
        ),
        "p_camera": _float("its two-sided p", _P, label="p (camera)", show="pvalue"),
        "fdr_camera": _float(
            "Benjamini-Hochberg FDR over the declared collection",
            _P,
            label="FDR (camera)",
            show="pvalue",
        ),
        "leading_edge": _text("leading-edge genes, `;`-separated", nullable=True),
        "note": _text("why a set was not tested", nullable=True, label="Note"),
    },
)

ACTIVITY = _schema(
    "activity/{contrast}",
    "Footprints: a multivariate linear model over all pathways of a footprint model at once.",
    {
        "model": _text("footprint model"),
        "source": _text("pathway of the model", label="Footprint"),
        "n_targets": _int("target genes with a statistic", label="Targets"),
        "score": _float("t statistic of the pathway's coefficient", label="t"),
        "pvalue": _float(
            "p after correction for inter-gene correlation", _P, label="p", show="pvalue"
        ),
        "fdr": _float(
            "Benjamini-Hochberg FDR over the model's pathways", _P, label="FDR", show="pvalue"
        ),
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
        "contrast": _text("contrast", label="Contrast"),
        "pathway": _text("pathway"),
        "readout": _text("readout of the panel", label="Readout"),
        "family": _text("family of evidence", label="Family"),
        "role": _choice("role in the panel", ["evidence", "control", "context"], label="Role"),
        "method": _text(
            "sample_score: the rule's own test across samples (docs/method.md), `effect` in log2 "
            "units; beside it those of `readouts/{contrast}`"
        ),
        "n_genes": _int("genes with a value", label="Genes"),
        "coverage": _float(
            "share of the readout's genes with a value", _P, label="Coverage", show="percent"
        ),
        "effect": _float(
            "effect towards the pathway, after the expected direction", label="Effect"
        ),
        "stat": _float("statistic, after the expected direction", label="Statistic"),
        "pvalue": _float("two-sided p", _P, label="p", show="pvalue"),
        "fdr": _float("FDR", _P),
        "vote": _int(
            "-1, 0 or +1, after the expected direction: what the one test alone says",
            Check.isin([-1, 0, 1]),
        ),
        "note": _text("what to know about it", nullable=True, label="Note"),
        "se": _float("standard error of `effect`, of tests on samples"),
        "df": _float("degrees of freedom of `stat`, of tests on samples"),
    },
)

CALLS_TABLE = _schema(
    "calls",
    "The call of each pathway in each contrast.",
    {
        "contrast": _text("contrast", label="Contrast"),
        "pathway": _text("pathway", label="Pathway"),
        "call": _choice("the call", CALLS, label="Call"),
        "confidence": _choice(
            "how much to trust it", ["high", "moderate", "low", "none"], label="Confidence"
        ),
        "n_readouts": _int("evidence readouts that could be assessed", label="Readouts"),
        "n_up": _int("of them, votes for activated", label="Votes ▲"),
        "n_down": _int("of them, votes for repressed", label="Votes ▼"),
        "families": _text(
            "families that carry the call, `;`-separated", nullable=True, label="Families"
        ),
        "control_ok": _choice(
            "on-target control: as expected, not, or none declared",
            ["yes", "no", "not_applicable"],
            label="Control",
        ),
        "false_call_rate": _float(
            "share of mock contrasts with a false call", _P, label="False-call rate", show="percent"
        ),
        "reason": _text("in words", label="Reason"),
        "status": _choice(
            "called; not_separable: called, but a declared confounder explains it as well; "
            "rule_not_met: lines move together or against each other, without a call; "
            "no_change_seen; not_assessable",
            ["called", "not_separable", "rule_not_met", "no_change_seen", "not_assessable"],
            label="Status",
        ),
        "effect": _float(
            "mean log2 change of the lines of evidence, towards the pathway", label="Effect"
        ),
        "ci_low": _float("lower end of its 95% interval", label="95% low"),
        "ci_high": _float("upper end of its 95% interval", label="95% high"),
        "pvalue": _float(
            "two-sided p of the lines' joint test (rotation test)", _P, label="p", show="pvalue"
        ),
        "fdr": _float(
            "FDR over all pathways and contrasts of the study", _P, label="FDR", show="pvalue"
        ),
    },
)

ADJUSTED = _schema(
    "adjusted",
    "Calls of pathways with declared confounders, and what the confounders do.",
    {
        "contrast": _text("contrast"),
        "pathway": _text("pathway"),
        "call_unadjusted": _choice(
            "call of the rule without a look at confounders", CALLS, label="Unadjusted"
        ),
        "call_adjusted": _choice(
            "no_evidence where a confounder explains the call as well", CALLS, label="Adjusted"
        ),
        "confounders": _text(
            "the declared confounders that can be scored, `;`-separated", label="Adjusted for"
        ),
        "moved": _text(
            "of them, those that move the way of the call",
            nullable=True,
            label="Moving the same way",
        ),
        "strongest_t": _float("|t| of the mean of the lines of a call", label="Strongest |t|"),
        "confounder_t": _float(
            "largest |t| of a confounder that moves the way of the call", label="Confounder |t|"
        ),
        "separable": _choice(
            "no: one of them explains the call as well (docs/method.md)", YES_NO, label="Separable"
        ),
        "effect": _float("mean log2 change of the lines of evidence"),
        "confounder": _text("the first that explains the call as well", nullable=True),
    },
)

CALIBRATION = _schema(
    "calibration/{model}",
    "How often the whole rule makes a call where there is nothing: mock contrasts of the model's "
    "own replicates, and counts simulated with its dispersions and gene correlations.",
    {
        "model": _text("model", label="Model"),
        "pathway": _text("pathway", label="Pathway"),
        "source": _choice(
            "how the null contrasts were made", ["mock_contrasts", "simulation"], label="Nulls from"
        ),
        "n_contrasts": _int("null contrasts", label="Null contrasts"),
        "n_called": _int("of them, called activated or repressed", label="False calls"),
        "false_call_rate": _float("their share", _P, label="Rate", show="percent"),
        "ci_high": _float(
            "upper end of its 95% interval (Clopper-Pearson)",
            _P,
            label="95% upper bound",
            show="percent",
        ),
        "used": _choice("the rate that calls.tsv gives", YES_NO, label="Given in the calls"),
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
        "contrast": _text("contrast", label="Contrast"),
        "pathway": _text("pathway", label="Pathway"),
        "kind": _text(
            "kind of choice: ranking, filter, evidence, threshold, sample", label="Kind of choice"
        ),
        "variant": _text("the choice", label="Choice"),
        "call": _choice("call under it", CALLS, label="Call under it"),
        "agrees": _choice("same as the main call of the rule, before confounders", YES_NO),
        "agreement": _float("share of the variants of this contrast and pathway that agree", _P),
    },
)

COMBINED = {
    "group": _text("group of contrasts", label="Group"),
    "effect": _float("random-effects mean", label="Effect"),
    "ci_low": _float("95% interval (Hartung-Knapp), lower end", label="95% low"),
    "ci_high": _float("upper end", label="95% high"),
    "pvalue": _float("two-sided p", _P, label="p", show="pvalue"),
    "fdr": _float("Benjamini-Hochberg FDR within the group", _P, label="FDR", show="pvalue"),
    "i2": _float("heterogeneity I², 0 to 1", _P, label="I²", show="percent"),
    "n_contrasts": _int("contrasts with a value", label="Contrasts"),
    "loo_low": _float("smallest effect with one contrast left out", label="Leave-one-out low"),
    "loo_high": _float("largest effect with one contrast left out", label="Leave-one-out high"),
    "error_correlation": _float(
        "largest correlation between the errors of two of the contrasts, from samples they share; "
        "intervals and p allow for it; 0: no two share a sample",
        Check.in_range(-1, 1),
        label="Error correlation",
    ),
}

COMBINED_GENES = _schema(
    "combined/genes",
    "Log2 fold changes combined over the contrasts of a group.",
    {
        "group": COMBINED["group"],
        "gene_id": _text("id as in the count matrix"),
        "symbol": _text("gene symbol", nullable=True, label="Gene"),
        **{key: column for key, column in COMBINED.items() if key != "group"},
    },
)

COMBINED_PATHWAYS = _schema(
    "combined/pathways",
    "Readout effects (sample scores, towards the pathway) combined over the contrasts of a group.",
    {
        "group": COMBINED["group"],
        "pathway": _text("pathway"),
        "readout": _text("readout", label="Readout"),
        **{key: column for key, column in COMBINED.items() if key != "group"},
    },
)

SECRETOME = _schema(
    "secretome/{contrast}",
    "Secreted factors that change (padj < alpha).",
    {
        "gene_id": _text("id as in the count matrix"),
        "symbol": _text("gene symbol", label="Gene"),
        "class": _text("class of the factor", label="Class"),
        "direction": _choice("direction of the change", ["up", "down"], label="Direction"),
        "log2fc": _float("log2 fold change", label="log2 FC"),
        "log2fc_shrunk": _float("apeGLM-shrunken log2 fold change", label="Shrunken"),
        "padj": _float("FDR", _P, label="FDR", show="pvalue"),
        "osteoclast": _text(
            "osteoclast-activating or osteolytic set it is in", nullable=True, label="Set"
        ),
        "group": _text("group of the contrast", nullable=True),
        "n_in_group": _int(
            "contrasts of the group in which it changes the same way", label="Same way in group"
        ),
    },
)

SECRETOME_OVERLAP = _schema(
    "secretome/overlap",
    "Secretome per contrast: over-representation of secreted factors among changed genes, "
    "genes with an FDR as the background.",
    {
        "contrast": _text("contrast", label="Contrast"),
        "class": _text("class of factors, or `all`", label="Class"),
        "direction": _choice("direction of the change", ["up", "down"], label="Direction"),
        "n_class": _int("factors of the class among the genes with an FDR", label="Expressed"),
        "n_changed": _int("changed genes in that direction", label="Genes changed"),
        "n_overlap": _int("factors among them", label="Factors changed"),
        "n_background": _int("genes with an FDR"),
        "odds_ratio": _float("odds ratio", label="Odds ratio"),
        "pvalue": _float("hypergeometric p", _P, label="p", show="pvalue"),
        "fdr": _float("Benjamini-Hochberg FDR within the contrast", _P, label="FDR", show="pvalue"),
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
        "contrast": _text("contrast", label="Contrast"),
        "kind": _choice(
            "pathway: mean score of its evidence readouts, one for each line of evidence; "
            "footprint; hallmark",
            ["pathway", "footprint", "hallmark"],
            label="Kind",
        ),
        "name": _text("pathway, footprint or gene set", label="Signature"),
        "effect": _float("standardised effect of the contrast on the score", label="Effect (SD)"),
        "ci_low": _float("95% interval, lower end", label="95% low"),
        "ci_high": _float("upper end", label="95% high"),
        "stat": _float("moderated t across samples", label="t"),
        "pvalue": _float("two-sided p", _P, label="p", show="pvalue"),
        "fdr": _float("Benjamini-Hochberg FDR within the contrast", _P, label="FDR", show="pvalue"),
        "rank": _float(
            "rank by absolute effect among all rows of the contrast, 1 leads",
            label="Rank",
            show="integer",
        ),
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
        "file": _text("path", label="File"),
        "url": _text("where it came from", nullable=True, label="Address"),
        "source": _text(
            "geo (metadata), ncbi, recount3, supplementary, file, embedded, sheet or panel",
            label="Source",
        ),
        "bytes": _int("size", label="Bytes"),
        "sha256": _text("SHA-256 of the bytes", label="SHA-256"),
        "retrieved": _text(
            "UTC time of the download (NA: not downloaded)", nullable=True, label="Retrieved (UTC)"
        ),
        "kind": _choice(
            "nature of the data", ["real", "embedded", "simulated", "reconstructed"], label="Kind"
        ),
        "note": _text(
            "origin, or why an earlier source was passed over", nullable=True, label="Note"
        ),
    },
)

SOFTWARE = _schema(
    "provenance/software",
    "Software that made the results.",
    {
        "name": _text("package", unique=True, label="Package"),
        "version": _text("version", label="Version"),
        "used_for": _text("what for", label="Used for"),
        "citation": _text("citation", nullable=True, label="Citation"),
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
    rows = [f"### `{schema.name}`", "", str(schema.description), "",
            "| column | on the page | meaning |", "|---|---|---|"]  # fmt: skip
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
        cells = (f"`{name}`", column.title or "", meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"
