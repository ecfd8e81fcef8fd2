"""Every fixed phrase of the report, and every caption, in one place.

The captions serve the HTML report and ``snakemake --report`` alike:
``python -m pathcall.report.wording FOLDER`` writes them as ``FOLDER/{figure}.rst``. Light: imported
while the workflow is parsed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CALLS = {
    "activated": "activated",
    "repressed": "repressed",
    "conflicting": "conflicting",
    "no_evidence": "no evidence",
    "not_assessable": "not assessable",
}
CALL_MARK = {
    "activated": "▲",
    "repressed": "▼",
    "conflicting": "◆",
    "no_evidence": "–",
    "not_assessable": "?",
}
# What `status` of calls.tsv says where the call alone does not tell.
STATUS = {
    "rule_not_met": "moves, rule not met",
    "no_change_seen": "no change shown",
}
STATUS_MARK = {"rule_not_met": "≈"}
STATUS_MEANING = {
    "rule_not_met": "lines of evidence move, but not as the rule asks; the reason says what failed",
    "no_change_seen": "no change could be shown, which is not evidence that there is none",
    "not_separable": "called, but a declared confounder explains the change as well",
}
GATE = "sample_score"  # the method of evidence.tsv whose rows carry the rule's votes
CALL_MEANING = {
    "activated": "the readouts that move point to higher activity, in enough independent families",
    "repressed": "the readouts that move point to lower activity, in enough independent families",
    "conflicting": "readouts move in both directions",
    "no_evidence": "no change could be shown, which is not evidence that there is none",
    "not_assessable": "too few replicates or too few measured genes to say anything",
}
# What a confidence allows one to write.
STRENGTH = {
    "high": "the evidence supports",
    "moderate": "the evidence points to",
    "low": "weak evidence points to",
    "none": "there is some sign of",
}
NOUN = {"activated": "activation", "repressed": "repression"}
PATHWAYS = {
    "AKT": "AKT",
    "NFKB_CANONICAL": "NF-κB canonical",
    "NFKB_ALTERNATIVE": "NF-κB alternative",
    "MAPK": "MAPK",
    "FRA1_AP1": "FRA1/AP-1",
    "GLUCOCORTICOID": "Glucocorticoid",
}
KINDS = {
    "simulated": (
        "Simulated data",
        "The counts of this study were simulated. Nothing here may be read as a finding about "
        "biology.",
    ),
    "reconstructed": (
        "Reconstructed data",
        "Part of the input was reconstructed and is not the depositor's own file.",
    ),
    "embedded": (
        "Embedded data",
        "The counts come from a copy that ships with the workflow, not from a download.",
    ),
}


TITLE = (
    "pathcall: from one public GEO RNA-seq study to calls on AKT and NF-kB signalling, with "
    "evidence a reviewer can check"
)
AUTHOR = "The pathcall authors"
HOW_TO_CITE = (
    "Cite pathcall, the authors of the study, and the methods that were run; the entries below "
    "hold all of them."
)
# What a reviewer asks, and the part of the page that answers it (docs/report.md).
QUESTIONS = (
    ("Which contrasts call a pathway, on which readouts?", "why"),
    ("What did the drug do to its target?", "on-target"),
    ("Which sample is suspicious, which was excluded?", "quality"),
    ("What would single gene sets alone have said?", "single-sets"),
    ("What does a gene do everywhere?", "gene"),
    ("How often is this rule wrong?", "false-calls"),
    ("Which file has these numbers?", "downloads"),
    ("Where do the counts come from, and have they changed?", "inputs"),
    ("What changes under another analysis?", "sensitivity"),
    ("How do I cite it?", "methods"),
)


@dataclass(frozen=True)
class Caption:
    """Caption of a figure."""

    title: str
    text: str
    category: str


CAPTIONS: dict[str, Caption] = {
    "calls": Caption(
        "Calls per contrast and pathway",
        "Each cell is one call, made by the same declared rule. The confidence and the lines of "
        "evidence that move up and down stand below it. “No change shown” is not evidence that "
        "there is none.",
        "Answer",
    ),
    "forest": Caption(
        "Effects of the readouts with 95% intervals",
        "The difference of each readout's sample scores between test and reference, turned so that "
        "the right side is activation, with its 95% interval (t distribution with the degrees of "
        "freedom of the test). Orange and blue mark a readout that moves up or down by itself, "
        "grey none; “all lines together” is the mean that is tested for the call. With several "
        "contrasts columns have scales of their own, and diamonds are random-effects means over "
        "the contrasts of a group, with Hartung–Knapp intervals.",
        "Evidence",
    ),
    "scores": Caption(
        "Score of every sample",
        "One dot a sample, one strip a readout, turned towards the pathway; the bar is the mean of "
        "the group, lines join samples of one block (donor, batch). Colours tell models apart. "
        "Samples, not genes, are the replicates: a call needs a difference here.",
        "Evidence",
    ),
    "enrichment": Caption(
        "Running sums along the ranked genes",
        "GSEA's weighted running sum along all tested genes, from up in test (left) to down "
        "(right), with ticks at the members. Genes that follow the pathway are solid, genes that "
        "go against it dashed. Shown are the first readout of each family, in the panel's order.",
        "Evidence",
    ),
    "edge": Caption(
        "Leading-edge genes in every sample",
        "The genes most often in the leading edge of these readouts: variance-stabilised "
        "expression as difference from the mean of the model, clipped at ±2. Orange is above, blue "
        "below the mean.",
        "Evidence",
    ),
    "library": Caption(
        "Library sizes",
        "Sum of counts of every sample of the sheet; excluded samples are pale.",
        "Quality",
    ),
    "pca": Caption(
        "Principal components",
        "First two principal components of the variance-stabilised values of the most variable "
        "genes. Colour and shape together name the sample's group.",
        "Quality",
    ),
    "correlation": Caption(
        "Correlation between samples",
        "Spearman correlation of variance-stabilised values, every pair of samples.",
        "Quality",
    ),
    "dispersion": Caption(
        "Dispersion against mean",
        "Final dispersion of each tested gene against its mean, as density (darker is more genes, "
        "log scale).",
        "Quality",
    ),
    "p": Caption(
        "p-value histograms",
        "Wald p-values of all tested genes in 20 bins. Flat with a peak at the left is what a "
        "fitting model gives; a slope to the right or a hill in the middle is a warning.",
        "Quality",
    ),
    "volcano": Caption(
        "Volcano plot",
        "−log10 p against log2 fold change (test over reference, unshrunken), one dot a gene with "
        "a p-value. Orange is up, blue down, at the FDR of the config.",
        "Contrasts",
    ),
    "ma": Caption(
        "MA plot",
        "log2 fold change against mean expression, one dot a tested gene. Orange is up, blue "
        "down, at the FDR of the config.",
        "Contrasts",
    ),
    "shared_genes": Caption(
        "Genes that contrasts share",
        "Each column is one pattern: its genes change, at the FDR of the config, in the contrasts "
        "with a dot and in no other; orange is up, blue down. The bar above is the number of these "
        "genes, and beside each contrast stands how many go up and down in it.",
        "Contrasts",
    ),
    "set_map": Caption(
        "Every gene set in every contrast",
        "GSEA of the whole collection, sets ordered by their mean over the contrasts. Orange is up "
        "and blue down in the test group (normalised enrichment score, NES); the larger the dot, "
        "the smaller the FDR (the largest: 10⁻¹⁰ and below).",
        "Contrasts",
    ),
    "secretome": Caption(
        "Secreted factors that change in most contrasts",
        "log2 fold change of the secreted factors that change in most contrasts; a dot marks those "
        "below the FDR of the config.",
        "Secretome",
    ),
    "ranking": Caption(
        "Which pathway leads",
        "Effect on sample scores in units of the score's residual standard deviation, with 95% "
        "intervals: the called pathways (in black) and the twelve strongest other signatures of "
        "the panel. On the right the rank among all, with its 95% interval: only ranks whose "
        "intervals do not overlap can be told apart.",
        "Answer",
    ),
    "ranking_map": Caption(
        "Which pathways lead",
        "The called pathways, and the five strongest other signatures of each contrast: effect on "
        "sample scores in units of the score's residual standard deviation; a dot marks those "
        "below the FDR of the config.",
        "Answer",
    ),
}


def pathway(name: str) -> str:
    """Display name of a pathway."""
    return PATHWAYS.get(name, name.replace("_", " "))


def answer(call: Mapping[str, Any]) -> str:
    """The answer of a row of calls.tsv: its call, or why there is none."""
    if call["call"] == "no_evidence":
        return STATUS.get(str(call.get("status")), CALLS["no_evidence"])
    return CALLS[str(call["call"])]


def mark(call: Mapping[str, Any]) -> str:
    """The sign of a row of calls.tsv."""
    if call["call"] == "no_evidence":
        return STATUS_MARK.get(str(call.get("status")), CALL_MARK["no_evidence"])
    return CALL_MARK[str(call["call"])]


def votes(call: Mapping[str, Any]) -> str:
    """How many lines of evidence move, of how many."""
    return f"{call['lines_up']}▲ {call['lines_down']}▼ of {counted(call['n_lines'], 'line')}"


def counted(n: int, noun: str) -> str:
    """``1 line``, ``3 lines``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}".replace(",", "\u202f")


def listed(items: Sequence[str], *, most: int = 4) -> str:
    """``a, b and c``, cut after `most`."""
    shown = list(items[:most])
    if len(items) > most:
        return ", ".join(shown) + f" and {len(items) - most} more"
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" and {shown[-1]}"


def finding(
    calls: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
) -> str:
    """One sentence on a pathway, in words that the calls allow.

    Parameters
    ----------
    calls
        The pathway's rows of calls.tsv, in the order of the contrasts.
    labels
        Contrast → name in words.
    """
    parts = []
    alone = len(calls) == 1
    for call, noun in NOUN.items():
        for confidence, words in STRENGTH.items():
            names = [
                labels[str(c["contrast"])]
                for c in calls
                if c["call"] == call and c["confidence"] == confidence
            ]
            if names:
                parts.append(f"{words} {noun}" + ("" if alone else f" in {listed(names)}"))
    shared = sum(c.get("status") == "not_separable" for c in calls)
    if shared:
        words = "not separable from a confounder"
        verb = "is" if shared == 1 else "are"
        parts.append(words if alone else f"{shared} of these calls {verb} {words}")
    other = {
        "conflicting": ("readouts disagree", "readouts disagree in {}"),
        "not_assessable": ("cannot be assessed", "{} cannot be assessed"),
        "no_evidence": ("no change is shown", "no change is shown in {}"),
    }
    for call, (short, words) in other.items():
        n = sum(c["call"] == call for c in calls)
        if n:
            part = f"all {n} contrasts" if n == len(calls) else f"{n} of {len(calls)} contrasts"
            if n == len(calls) and call == "not_assessable":
                part, words = "no contrast", "{} can be assessed"
            parts.append(short if alone else words.format(part))
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "."


def rst(key: str) -> str:
    """Caption of a figure as reStructuredText."""
    return f"{CAPTIONS[key].text}\n"


def write_rst(folder: Path, keys: Iterable[str]) -> None:
    """Write one ``.rst`` file a figure."""
    folder.mkdir(parents=True, exist_ok=True)
    for key in keys:
        (folder / f"{key}.rst").write_text(rst(key), encoding="utf-8")


REPORTED = ("calls", "forest", "library", "pca", "correlation", "volcano")

if __name__ == "__main__":
    write_rst(Path(sys.argv[1]), REPORTED)
