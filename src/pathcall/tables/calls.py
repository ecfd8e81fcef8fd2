"""Scores of samples, evidence, calls and what they rest on."""

from __future__ import annotations

from pathcall.tables.columns import (
    CALLS,
    PROBABILITY,
    YES_NO,
    choice,
    integer,
    number,
    schema,
    text,
)

SCORES = schema(
    "scores/samples",
    "Signature scores of single samples on VST values.",
    {
        "sample": text("sample"),
        "signature": text("readout, gene set or footprint"),
        "method": text(
            "weighted_z (readouts: the score that is tested, docs/method.md, log2 units; other "
            "signatures: residual standard deviations of a gene) or ssgsea (gseapy, beside it)"
        ),
        "score": number("score"),
    },
)

EVIDENCE = schema(
    "evidence",
    "Each readout's evidence in each contrast, by each method, and its vote.",
    {
        "contrast": text("contrast", label="Contrast"),
        "pathway": text("pathway"),
        "readout": text("readout of the panel", label="Readout"),
        "family": text("family of evidence", label="Family"),
        "role": choice("role in the panel", ["evidence", "control", "context"], label="Role"),
        "method": text(
            "sample_score: the rule's own test across samples (docs/method.md), `effect` in log2 "
            "units; beside it those of `readouts/{contrast}`"
        ),
        "n_genes": integer("genes with a value", label="Genes"),
        "coverage": number(
            "share of the readout's genes with a value",
            PROBABILITY,
            label="Coverage",
            show="percent",
        ),
        "effect": number(
            "effect towards the pathway, after the expected direction", label="Effect"
        ),
        "stat": number("statistic, after the expected direction", label="Statistic"),
        "pvalue": number("two-sided p", PROBABILITY, label="p", show="pvalue"),
        "fdr": number("FDR", PROBABILITY),
        "vote": integer(
            "-1, 0 or +1, after the expected direction: what the one test alone says",
            [-1, 0, 1],
        ),
        "note": text("what to know about it", nullable=True, label="Note"),
        "se": number("standard error of `effect`, of tests on samples"),
        "df": number("degrees of freedom of `stat`, of tests on samples"),
    },
)

CALLS_TABLE = schema(
    "calls",
    "The call of each pathway in each contrast.",
    {
        "contrast": text("contrast", label="Contrast"),
        "pathway": text("pathway", label="Pathway"),
        "call": choice("the call", CALLS, label="Call"),
        "confidence": choice(
            "how much to trust it", ["high", "moderate", "low", "none"], label="Confidence"
        ),
        "n_readouts": integer("evidence readouts that could be assessed", label="Readouts"),
        "n_up": integer("of them, votes for activated", label="Votes ▲"),
        "n_down": integer("of them, votes for repressed", label="Votes ▼"),
        "families": text(
            "families that carry the call, `;`-separated", nullable=True, label="Families"
        ),
        "control_ok": choice(
            "on-target control: as expected, not, or none declared",
            ["yes", "no", "not_applicable"],
            label="Control",
        ),
        "false_call_rate": number(
            "share of mock contrasts with a false call",
            PROBABILITY,
            label="False-call rate",
            show="percent",
        ),
        "reason": text("in words", label="Reason"),
        "status": choice(
            "called; not_separable: called, but a declared confounder explains it as well; "
            "rule_not_met: lines move together or against each other, without a call; "
            "no_change_seen; not_assessable",
            ["called", "not_separable", "rule_not_met", "no_change_seen", "not_assessable"],
            label="Status",
        ),
        "effect": number(
            "mean log2 change of the lines of evidence, towards the pathway", label="Effect"
        ),
        "ci_low": number("lower end of its 95% interval", label="95% low"),
        "ci_high": number("upper end of its 95% interval", label="95% high"),
        "pvalue": number(
            "two-sided p of the lines' joint test (rotation test)",
            PROBABILITY,
            label="p",
            show="pvalue",
        ),
        "fdr": number(
            "FDR over all pathways and contrasts of the study",
            PROBABILITY,
            label="FDR",
            show="pvalue",
        ),
        "n_lines": integer(
            "lines of evidence that could be assessed (readouts that share their genes are one "
            "line)",
            label="Lines",
        ),
        "lines_up": integer("of them, move up by themselves", label="Lines ▲"),
        "lines_down": integer("of them, move down by themselves", label="Lines ▼"),
        "se": number("standard error of `effect`", label="SE"),
        "df": number("degrees of freedom of `se`", label="df"),
    },
)

ADJUSTED = schema(
    "adjusted",
    "Calls of pathways with declared confounders, and what the confounders do.",
    {
        "contrast": text("contrast"),
        "pathway": text("pathway"),
        "call_unadjusted": choice(
            "call of the rule without a look at confounders", CALLS, label="Unadjusted"
        ),
        "call_adjusted": choice(
            "no_evidence where a confounder explains the call as well", CALLS, label="Adjusted"
        ),
        "confounders": text(
            "the declared confounders that can be scored, `;`-separated", label="Adjusted for"
        ),
        "moved": text(
            "of them, those that move the way of the call",
            nullable=True,
            label="Moving the same way",
        ),
        "strongest_t": number("|t| of the mean of the lines of a call", label="Strongest |t|"),
        "confounder_t": number(
            "largest |t| of a confounder that moves the way of the call", label="Confounder |t|"
        ),
        "separable": choice(
            "no: one of them explains the call as well (docs/method.md)", YES_NO, label="Separable"
        ),
        "effect": number("mean log2 change of the lines of evidence"),
        "confounder": text("the first that explains the call as well", nullable=True),
    },
)

CALIBRATION = schema(
    "calibration/{model}",
    "How often the whole rule makes a call where there is nothing: mock contrasts of the model's "
    "own replicates, and counts simulated with its dispersions and gene correlations.",
    {
        "model": text("model", label="Model"),
        "pathway": text("pathway", label="Pathway"),
        "source": choice(
            "how the null contrasts were made", ["mock_contrasts", "simulation"], label="Nulls from"
        ),
        "n_contrasts": integer("null contrasts", label="Null contrasts"),
        "n_called": integer("of them, called activated or repressed", label="False calls"),
        "false_call_rate": number("their share", PROBABILITY, label="Rate", show="percent"),
        "ci_high": number(
            "upper end of its 95% interval (Clopper-Pearson)",
            PROBABILITY,
            label="95% upper bound",
            show="percent",
        ),
        "used": choice("the rate that calls.tsv gives", YES_NO, label="Given in the calls"),
        "ci_low": number("lower end of its 95% interval (Clopper-Pearson)", PROBABILITY),
    },
)

NFKB_GENES = schema(
    "nfkb_genes",
    "Genes that tell the arms of NF-κB apart, in each contrast.",
    {
        "contrast": text("contrast"),
        "symbol": text("gene symbol"),
        "part": text("its part"),
        "expressed": choice("passes the filter of its model (`filter` in the config)", YES_NO),
        "base_mean": number("mean of normalised counts"),
        "log2fc": number("log2 fold change"),
        "lfc_se": number("its standard error"),
        "padj": number("FDR", PROBABILITY),
    },
)

SENSITIVITY = schema(
    "sensitivity",
    "The calls under other, equally defensible choices: a multiverse.",
    {
        "contrast": text("contrast", label="Contrast"),
        "pathway": text("pathway", label="Pathway"),
        "kind": text(
            "kind of choice: ranking, filter, evidence, threshold, sample", label="Kind of choice"
        ),
        "variant": text("the choice", label="Choice"),
        "call": choice("call under it", CALLS, label="Call under it"),
        "agrees": choice("same as the main call of the rule, before confounders", YES_NO),
        "agreement": number(
            "share of the variants of this contrast and pathway that agree", PROBABILITY
        ),
    },
)
