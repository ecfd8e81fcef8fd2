"""Genes and gene sets of a contrast."""

from __future__ import annotations

from pathcall.tables.columns import (
    PROBABILITY,
    YES_NO,
    choice,
    integer,
    number,
    schema,
    text,
)

DE = schema(
    "de/{contrast}",
    "Differential expression: every gene of the matrix, in matrix order; genes with fewer than ten "
    "counts over the model's samples are not fitted and have NA.",
    {
        "gene_id": text("id as in the count matrix", unique=True, label="Id"),
        "symbol": text("gene symbol", nullable=True, label="Gene"),
        "base_mean": number("mean of normalised counts over the model's samples", label="Mean"),
        "log2fc": number(
            "log2 fold change, test over reference, maximum likelihood", label="log2 FC"
        ),
        "lfc_se": number("its standard error (log2)", label="SE"),
        "stat": number("Wald statistic"),
        "pvalue": number("two-sided p of the Wald test", PROBABILITY, label="p", show="pvalue"),
        "padj": number(
            "Benjamini-Hochberg FDR after independent filtering",
            PROBABILITY,
            label="FDR",
            show="pvalue",
        ),
        "log2fc_shrunk": number(
            "apeGLM-shrunken log2 fold change of the same contrast", label="Shrunken"
        ),
        "lfc_se_shrunk": number("its posterior standard deviation (log2)"),
        "outlier": choice("p-value withheld for a Cook's-distance outlier", YES_NO),
    },
)

LRT = schema(
    "lrt/{model}",
    "Likelihood-ratio test of each term of the design: does this factor matter at all.",
    {
        "gene_id": text("id as in the count matrix"),
        "symbol": text("gene symbol", nullable=True),
        "term": text("term left out of the reduced design"),
        "df": integer("degrees of freedom"),
        "stat": number("twice the difference of log likelihoods"),
        "pvalue": number("chi-squared p", PROBABILITY),
        "padj": number("Benjamini-Hochberg FDR within the term", PROBABILITY),
    },
)

ENRICHMENT = schema(
    "enrichment/{contrast}",
    "Competitive tests of the whole declared collection on the ranked Wald statistics; every set "
    "is listed, tested or not.",
    {
        "gene_set": text("gene set", label="Gene set"),
        "collection": text("collection it belongs to", label="Collection"),
        "n_genes": integer("genes in the set"),
        "n_matched": integer("of them with a statistic", label="Genes"),
        "es": number("GSEA enrichment score"),
        "nes": number("normalised enrichment score", label="NES"),
        "pvalue": number("GSEA multilevel p", PROBABILITY),
        "fdr": number(
            "GSEA FDR over the declared collection", PROBABILITY, label="FDR (GSEA)", show="pvalue"
        ),
        "z_camera": number(
            "correlation-adjusted z (camera on ranked statistics)", label="z (camera)"
        ),
        "p_camera": number("its two-sided p", PROBABILITY, label="p (camera)", show="pvalue"),
        "fdr_camera": number(
            "Benjamini-Hochberg FDR over the declared collection",
            PROBABILITY,
            label="FDR (camera)",
            show="pvalue",
        ),
        "leading_edge": text("leading-edge genes, `;`-separated", nullable=True),
        "note": text("why a set was not tested", nullable=True, label="Note"),
    },
)

ACTIVITY = schema(
    "activity/{contrast}",
    "Footprints: a multivariate linear model over all pathways of a footprint model at once.",
    {
        "model": text("footprint model"),
        "source": text("pathway of the model", label="Footprint"),
        "n_targets": integer("target genes with a statistic", label="Targets"),
        "score": number("t statistic of the pathway's coefficient", label="t"),
        "pvalue": number(
            "p after correction for inter-gene correlation", PROBABILITY, label="p", show="pvalue"
        ),
        "fdr": number(
            "Benjamini-Hochberg FDR over the model's pathways",
            PROBABILITY,
            label="FDR",
            show="pvalue",
        ),
    },
)

READOUTS = schema(
    "readouts/{contrast}",
    "What the genes of each readout say in one contrast, by each gene-level method, towards the "
    "pathway (expected direction applied). Gene-level tests support a call, they never make one.",
    {
        "pathway": text("pathway"),
        "readout": text("readout of the panel"),
        "family": text("family of evidence"),
        "role": choice("role in the panel", ["evidence", "control", "context"]),
        "method": choice(
            "gsea: gseapy prerank, unsigned sets; camera: competitive test with inter-gene "
            "correlation; mlm: footprints, all pathways at once; gene: the Wald test of a readout "
            "of one gene; …_adjusted: beside the pathway's declared confounders",
            ["gsea", "camera", "camera_adjusted", "mlm", "mlm_adjusted", "gene"],
        ),
        "n_genes": integer("genes with a statistic"),
        "coverage": number("share of the readout's genes with a statistic", PROBABILITY),
        "effect": number(
            "gsea: enrichment score; gene: log2 fold change; else mean Wald statistic of the "
            "readout's genes (by weight) beyond that of the others"
        ),
        "stat": number("gsea: normalised enrichment score; gene: Wald statistic; else z"),
        "pvalue": number("two-sided p", PROBABILITY),
        "fdr": number("Benjamini-Hochberg FDR over the readouts of a method", PROBABILITY),
        "note": text("why it was not tested, or what it was adjusted for", nullable=True),
    },
)
