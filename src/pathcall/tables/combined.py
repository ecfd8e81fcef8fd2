"""What goes over contrasts: groups combined, secreted factors, the ranking of pathways."""

from __future__ import annotations

from pathcall.tables.columns import (
    PROBABILITY,
    choice,
    integer,
    number,
    schema,
    text,
)

COMBINED = {
    "group": text("group of contrasts", label="Group"),
    "effect": number("random-effects mean", label="Effect"),
    "ci_low": number("95% interval (Hartung-Knapp), lower end", label="95% low"),
    "ci_high": number("upper end", label="95% high"),
    "pvalue": number("two-sided p", PROBABILITY, label="p", show="pvalue"),
    "fdr": number(
        "Benjamini-Hochberg FDR within the group", PROBABILITY, label="FDR", show="pvalue"
    ),
    "i2": number("heterogeneity I², 0 to 1", PROBABILITY, label="I²", show="percent"),
    "n_contrasts": integer("contrasts with a value", label="Contrasts"),
    "loo_low": number("smallest effect with one contrast left out", label="Leave-one-out low"),
    "loo_high": number("largest effect with one contrast left out", label="Leave-one-out high"),
    "error_correlation": number(
        "largest correlation between the errors of two of the contrasts, from samples they share; "
        "intervals and p allow for it; 0: no two share a sample",
        (-1, 1),
        label="Error correlation",
    ),
}

COMBINED_GENES = schema(
    "combined/genes",
    "Log2 fold changes combined over the contrasts of a group.",
    {
        "group": COMBINED["group"],
        "gene_id": text("id as in the count matrix"),
        "symbol": text("gene symbol", nullable=True, label="Gene"),
        **{key: column for key, column in COMBINED.items() if key != "group"},
    },
)

COMBINED_PATHWAYS = schema(
    "combined/pathways",
    "Readout effects (sample scores, towards the pathway) combined over the contrasts of a group.",
    {
        "group": COMBINED["group"],
        "pathway": text("pathway"),
        "readout": text("readout", label="Readout"),
        **{key: column for key, column in COMBINED.items() if key != "group"},
    },
)

SECRETOME = schema(
    "secretome/{contrast}",
    "Secreted factors that change (padj < alpha).",
    {
        "gene_id": text("id as in the count matrix"),
        "symbol": text("gene symbol", label="Gene"),
        "class": text("class of the factor", label="Class"),
        "direction": choice("direction of the change", ["up", "down"], label="Direction"),
        "log2fc": number("log2 fold change", label="log2 FC"),
        "log2fc_shrunk": number("apeGLM-shrunken log2 fold change", label="Shrunken"),
        "padj": number("FDR", PROBABILITY, label="FDR", show="pvalue"),
        "osteoclast": text(
            "osteoclast-activating or osteolytic set it is in", nullable=True, label="Set"
        ),
        "group": text("group of the contrast", nullable=True),
        "n_in_group": integer(
            "contrasts of the group in which it changes the same way", label="Same way in group"
        ),
    },
)

SECRETOME_OVERLAP = schema(
    "secretome/overlap",
    "Secretome per contrast: over-representation of secreted factors among changed genes, "
    "genes with an FDR as the background.",
    {
        "contrast": text("contrast", label="Contrast"),
        "class": text("class of factors, or `all`", label="Class"),
        "direction": choice("direction of the change", ["up", "down"], label="Direction"),
        "n_class": integer("factors of the class among the genes with an FDR", label="Expressed"),
        "n_changed": integer("changed genes in that direction", label="Genes changed"),
        "n_overlap": integer("factors among them", label="Factors changed"),
        "n_background": integer("genes with an FDR"),
        "odds_ratio": number("odds ratio", label="Odds ratio"),
        "pvalue": number("hypergeometric p", PROBABILITY, label="p", show="pvalue"),
        "fdr": number(
            "Benjamini-Hochberg FDR within the contrast", PROBABILITY, label="FDR", show="pvalue"
        ),
        "genes": text("the factors, `;`-separated", nullable=True),
    },
)

FRA1 = schema(
    "secretome/fra1",
    "FOSL1 (FRA1) and the genes of its readouts that have a statistic, in each contrast.",
    {
        "contrast": text("contrast"),
        "readout": text("readout of the pathway FRA1_AP1"),
        "role": choice("the readout's only gene, or one of its targets", ["driver", "target"]),
        "gene_id": text("id as in the count matrix"),
        "symbol": text("gene symbol"),
        "direction": integer("+1 if the gene rises with FRA1, -1 if it falls", [-1, 1]),
        "log2fc": number("log2 fold change"),
        "log2fc_shrunk": number("apeGLM-shrunken log2 fold change"),
        "padj": number("FDR", PROBABILITY),
    },
)

RANKING = schema(
    "ranking",
    "All pathways of the panel side by side in each contrast, by sample scores: which one leads. "
    "Effects are in residual standard deviations of the score, so that they can be compared.",
    {
        "contrast": text("contrast", label="Contrast"),
        "kind": choice(
            "pathway: mean score of its evidence readouts, one for each line of evidence; "
            "footprint; hallmark",
            ["pathway", "footprint", "hallmark"],
            label="Kind",
        ),
        "name": text("pathway, footprint or gene set", label="Signature"),
        "effect": number("standardised effect of the contrast on the score", label="Effect (SD)"),
        "ci_low": number("95% interval, lower end", label="95% low"),
        "ci_high": number("upper end", label="95% high"),
        "stat": number("moderated t across samples", label="t"),
        "pvalue": number("two-sided p", PROBABILITY, label="p", show="pvalue"),
        "fdr": number(
            "Benjamini-Hochberg FDR within the contrast", PROBABILITY, label="FDR", show="pvalue"
        ),
        "rank": number(
            "rank by absolute effect among all rows of the contrast, 1 leads",
            label="Rank",
            show="integer",
        ),
        "rank_low": number("95% interval of the rank, best"),
        "rank_high": number("worst"),
        "kind_rank": number("rank among the rows of the same kind"),
        "kind_rank_low": number("95% interval of that rank, best"),
        "kind_rank_high": number("worst"),
        "p_first": number("share of simulated contrasts in which it leads its kind", PROBABILITY),
    },
)
