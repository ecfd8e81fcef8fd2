"""What stands on the page, section by section: tables' views, figures, sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from pathcall import __version__
from pathcall.report import figures, markdown, wording
from pathcall.report.data import ContrastInfo, ReportData
from pathcall.report.svg import Svg
from pathcall.report.view import (
    Cell,
    Column,
    Row,
    Table,
    cell,
    integer,
    is_missing,
    number,
    percent,
    precise,
    pvalue,
    table,
    text,
)

ERROR_CORRELATION = Column(
    "error_correlation",
    "Error correlation",
    number,
    "largest correlation between the errors of two contrasts, from samples they share",
)
TOP_GENES = 25  # per direction and contrast


@dataclass(frozen=True)
class Figure:
    """A figure with its caption."""

    key: str
    svg: Markup
    caption: str
    contrast: str = ""


def context(data: ReportData) -> dict[str, Any]:
    """Every variable of the page's template that comes from the results."""
    ranked = {c.contrast: figures.ranking(data.de[c.contrast]) for c in data.contrasts}
    excluded = data.samples[data.samples["included"] == "no"]
    return {
        "study": data.study,
        "version": __version__,
        "alpha": data.alpha,
        "contrasts": data.contrasts,
        "pathways": [
            {
                "id": p,
                "name": wording.pathway(p),
                "finding": _finding(data, p),
                # With many contrasts the reasons stand in the section of the pathway.
                "reason": str(_calls_of(data, p)[0]["reason"]) if len(data.contrasts) == 1 else "",
            }
            for p in data.pathways
        ],
        "question": wording.listed([wording.pathway(p) for p in data.pathways], most=12),
        "banners": [(k, *wording.KINDS[k]) for k in data.kinds if k in wording.KINDS],
        "n_samples": len(data.samples),
        "n_included": int((data.samples["included"] == "yes").sum()),
        "n_genes": len(data.genes),
        "matrix": _matrix(data),
        "meanings": [
            (figures.CALL_MARK[k], wording.CALLS[k], v) for k, v in wording.CALL_MEANING.items()
        ],
        "caveats": _caveats(data),
        "max_false_call_rate": percent(data.max_false_call_rate),
        "why": [_why(data, p, ranked) for p in data.pathways],
        "leads": [
            f
            for c in data.contrasts
            if (f := _figure("ranking", figures.leads(data, c.contrast), c.contrast))
        ],
        "ranking": _ranking(data),
        "nfkb_genes": _gene_matrix(
            data,
            "nfkb_genes",
            by="part",
            ident="table-nfkb-genes",
            caption="Genes that tell the arms of NF-κB apart",
        ),
        "fra1_genes": _gene_matrix(
            data,
            "secretome/fra1",
            by="readout",
            ident="table-fra1",
            caption="FOSL1 and the genes of its readouts",
        ),
        "controls": _controls(data),
        "false_calls": _false_calls(data),
        "calibration": _calibration(data),
        "sensitivity": _sensitivity(data),
        "excluded": _excluded(data),
        "n_excluded": len(excluded),
        "flags": _flags(data),
        "metrics": _metrics(data),
        "library": _figure("library", figures.library_sizes(data)),
        "pca": _figure("pca", figures.pca(data)),
        "correlation": _figure("correlation", figures.correlation(data)),
        "dispersions": [_figure("dispersion", figures.dispersion(data, m)) for m in data.models],
        "histograms": [
            _figure("p", figures.p_values(data, c.contrast), c.contrast) for c in data.contrasts
        ],
        "captions": wording.CAPTIONS,
        "details": [_detail(data, c) for c in data.contrasts],
        "secretome": _secretome(data),
        "methods": markdown.render(data.methods, level=3),
        "methods_text": data.methods,
        "rule": _rule(data.config),
        "inputs": _inputs(data),
        "software": _software(data),
        "models": _models(data),
        "config_text": data.config_text,
        "fox": _fosl1(data),
        "combined_genes": _combined_genes(data),
    }


def _figure(key: str, figure: Svg | None, contrast: str = "") -> Figure | None:
    if figure is None:
        return None
    return Figure(key, figure.markup(), wording.CAPTIONS[key].text, contrast)


def _calls_of(data: ReportData, pathway: str) -> list[dict[str, Any]]:
    return [dict(data.call(c.contrast, pathway)) for c in data.contrasts]


def _withheld(data: ReportData) -> set[tuple[str, str]]:
    """Contrast and pathway of the calls withheld for confounders."""
    frame = data.extra.get("adjusted")
    if frame is None:
        return set()
    own = frame[frame["withheld"] == "yes"]
    return set(zip(own["contrast"], own["pathway"], strict=True))


def _finding(data: ReportData, pathway: str) -> str:
    # Ids where there are many: descriptions would bury the sentence.
    many = len(data.contrasts) > 3
    labels = {c.contrast: c.contrast if many else c.label for c in data.contrasts}
    withheld = {c for c, p in _withheld(data) if p == pathway}
    return wording.finding(_calls_of(data, pathway), labels, withheld=withheld)


def _matrix(data: ReportData) -> list[dict[str, Any]]:
    rows = []
    withheld = _withheld(data)
    for c in data.contrasts:
        cells = []
        for p in data.pathways:
            call = data.call(c.contrast, p)
            cells.append(
                {
                    **call,
                    "withheld": (c.contrast, p) in withheld and call["call"] == "no_evidence",
                    "mark": figures.CALL_MARK[str(call["call"])],
                    "words": wording.CALLS[str(call["call"])],
                    "name": wording.pathway(p),
                    "votes": f"{call['n_up']}▲ {call['n_down']}▼ of {call['n_readouts']}",
                }
            )
        rows.append({"contrast": c, "cells": cells})
    return rows


def _caveats(data: ReportData) -> list[str]:
    made = [
        f"{title}: {words}"
        for k in data.kinds
        if k in wording.KINDS
        for title, words in [wording.KINDS[k]]
    ]
    labels = {c.contrast: c.label for c in data.contrasts}
    failed = data.calls[data.calls["control_ok"] == "no"]
    for contrast in failed["contrast"].unique():
        expected = data.contrast(str(contrast)).expected
        found = {
            k: str(data.call(str(contrast), k)["call"]) for k in expected if k in data.pathways
        }
        parts = [
            f"{wording.pathway(k)} had to be {v} and is “{wording.CALLS[found[k]]}”"
            for k, v in expected.items()
            if k in found and found[k] != v
        ]
        made.append(
            f"On-target control not met in {labels[str(contrast)]}: "
            f"{'; '.join(parts) or 'see the reasons'}. Its other calls are to be read with that "
            "in mind."
        )
    firm = data.calls[data.calls["call"].isin(["activated", "repressed"])]
    risky = firm[firm["false_call_rate"] > data.max_false_call_rate]
    made += [
        f"{wording.pathway(row['pathway'])} in {labels[row['contrast']]}: where there is nothing, "
        f"the rule makes a false call in {percent(row['false_call_rate'])} of cases."
        for row in risky.to_dict("records")
    ]
    made += _fragile(data, firm, labels)
    unknown = firm[firm["false_call_rate"].isna()]
    if len(unknown):
        made.append(
            f"{len(unknown)} of {len(firm)} calls have no false-call rate: none could be measured "
            "for their model."
        )
    for group, rows in data.combined_pathways.groupby("group", sort=False):
        correlation = rows["error_correlation"].dropna()
        if len(correlation) and correlation.any():
            most = correlation[correlation.abs().idxmax()]
            made.append(
                f"Contrasts of the group {group} share samples and are not independent answers: "
                f"their errors correlate by up to {most:.2f}. The combined intervals allow for it."
            )
    severe = data.flags[data.flags["severity"].isin(["severe", "warning"])]
    if len(severe):
        names = list(dict.fromkeys(severe["sample"]))
        made.append(
            f"{len(names)} sample(s) carry a quality warning and are still included: "
            f"{wording.listed(names)}."
        )
    n_out = int((data.samples["included"] == "no").sum())
    if n_out:
        made.append(f"{n_out} sample(s) were excluded; the reasons are listed.")
    return made


def _fragile(data: ReportData, firm: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Calls that fewer than four in five of the declared analyses give."""
    frame = data.extra.get("sensitivity")
    if frame is None:
        return []
    made = []
    for row in firm.to_dict("records"):
        own = frame[(frame["contrast"] == row["contrast"]) & (frame["pathway"] == row["pathway"])]
        same = int((own["call"] == row["call"]).sum())
        if len(own) and same < 0.8 * len(own):
            made.append(
                f"{wording.pathway(row['pathway'])} in {labels[row['contrast']]} is fragile: "
                f"{same} of {len(own)} alternative analyses give the same call."
            )
    return made


def _why(data: ReportData, pathway: str, ranked: Mapping[str, pd.Series]) -> dict[str, Any]:
    call_columns = [
        Column("label", "Contrast"),
        Column("call", "Call"),
        Column("confidence", "Confidence"),
        Column("reason", "Reason"),
        Column("n_readouts", "Readouts", integer, "evidence readouts that could be assessed"),
        Column("n_up", "Votes ▲", integer),
        Column("n_down", "Votes ▼", integer),
        Column("families", "Families"),
        Column("control_ok", "Control"),
        Column("false_call_rate", "False-call rate", percent),
    ]
    calls = pd.DataFrame(_calls_of(data, pathway))
    calls["label"] = [data.contrast(c).label for c in calls["contrast"]]
    calls["families"] = [
        v.replace(";", ", ") if isinstance(v, str) else v for v in calls["families"]
    ]
    calls["control_ok"] = calls["control_ok"].map(
        {"yes": "as expected", "no": "not as expected", "not_applicable": "none declared"}
    )
    state = calls["call"].copy()
    calls["call"] = [f"{figures.CALL_MARK[c]} {wording.CALLS[c]}" for c in state]
    calls["state"] = state
    own = data.evidence[data.evidence["pathway"] == pathway]
    combined = data.combined_pathways[data.combined_pathways["pathway"] == pathway]
    return {
        "id": pathway,
        "name": wording.pathway(pathway),
        "finding": _finding(data, pathway),
        "calls": table(
            calls,
            call_columns,
            ident=f"calls-{pathway}",
            caption=f"{wording.pathway(pathway)}: the call in each contrast",
            file="calls.tsv",
            anchors=lambda r: f"call-{pathway}-{r['contrast']}",
            css=lambda r, key: f"call-{r['state']}" if key == "call" else "",
        ),
        "summary": _summary(data, pathway, own),
        "evidence": _evidence(data, pathway, own),
        "readouts": _readouts(data, pathway),
        "adjusted": _adjusted(data, pathway),
        "combined": table(
            combined,
            [
                Column("group", "Group"),
                Column("readout", "Readout"),
                Column("effect", "Effect", number),
                Column("ci_low", "95% low", number),
                Column("ci_high", "95% high", number),
                Column("pvalue", "p", pvalue),
                Column("fdr", "FDR", pvalue),
                Column("i2", "I²", percent),
                Column("n_contrasts", "Contrasts", integer),
                Column("loo_low", "Leave-one-out low", number),
                Column("loo_high", "Leave-one-out high", number),
                ERROR_CORRELATION,
            ],
            ident=f"combined-{pathway}",
            caption=f"{wording.pathway(pathway)}: effects combined over the contrasts of a group",
            file="combined/pathways.tsv",
        )
        if len(combined)
        else None,
        "forest": _figure("forest", figures.forest(data, pathway)),
        "scores": _figure("scores", figures.sample_scores(data, pathway)),
        "edge": _figure("edge", figures.leading_edge(data, pathway, ranked)),
        "main": [(r.readout, i % 8) for i, r in enumerate(figures.main_readouts(data, pathway))],
        "curves": [
            f
            for c in data.contrasts
            if (
                f := _figure(
                    "enrichment",
                    figures.enrichment(data, pathway, c.contrast, ranked[c.contrast]),
                    c.contrast,
                )
            )
        ],
    }


def _summary(data: ReportData, pathway: str, own: pd.DataFrame) -> Table:
    """Readout × contrast matrix: the statistic of the sample scores, with the vote."""
    gate = own[own["method"] == figures.GATE]
    found = {(row["readout"], row["contrast"]): row for row in gate.to_dict("records")}
    columns = [Column("readout", "Readout"), Column("family", "Family"), Column("role", "Role")]
    columns += [Column(c.contrast, c.contrast, number, c.label) for c in data.contrasts]
    rows = []
    for readout, part in own.groupby("readout", sort=False):
        first = part.iloc[0]
        cells = [Cell(str(readout)), Cell(str(first["family"]).replace("_", " "))]
        cells.append(Cell(str(first["role"])))
        cells += [_statistic(found.get((readout, c.contrast)), p=False) for c in data.contrasts]
        rows.append(Row(tuple(cells)))
    return Table(
        f"summary-{pathway}",
        f"{wording.pathway(pathway)}: t of the sample scores of every readout, turned towards the "
        "pathway; ▲ and ▼ are the votes of the rule",
        tuple(columns),
        tuple(rows),
        "evidence.tsv",
    )


def _statistic(row: Mapping[Any, Any] | None, *, p: bool) -> Cell:
    """A statistic with its p, and a mark where it votes."""
    if row is None or (is_missing(row["stat"]) and is_missing(row["pvalue"])):
        return Cell("–")
    vote = int(row["vote"])
    mark = " ▲" if vote > 0 else " ▼" if vote < 0 else ""
    shown = "–" if is_missing(row["stat"]) else f"{row['stat']:.2f}".replace("-", "−")
    more = f" ({pvalue(row['pvalue'])})" if p else ""
    value = "" if is_missing(row["stat"]) else precise(row["stat"])
    return Cell(f"{shown}{more}{mark}", value, "vup" if vote > 0 else "vdown" if vote < 0 else "")


def _evidence(data: ReportData, pathway: str, own: pd.DataFrame) -> Table:
    """One row a contrast and readout, one column a test: statistic (p) and vote."""
    methods = list(dict.fromkeys(own["method"]))
    found = {
        (row["contrast"], row["readout"], row["method"]): row for row in own.to_dict("records")
    }
    columns = [
        Column("contrast", "Contrast"),
        Column("readout", "Readout"),
        Column("role", "Role"),
        Column("n_genes", "Genes", integer),
        Column("coverage", "Coverage", percent),
        Column("effect", "Effect", number, "difference of sample scores"),
        *[Column(m, str(m).replace("_", " "), number) for m in methods],
        Column("note", "Note"),
    ]
    rows = []
    for (contrast, readout), part in own.groupby(["contrast", "readout"], sort=False):
        first = part.iloc[0]
        gate = found.get((contrast, readout, figures.GATE))
        notes = [n for n in dict.fromkeys(part["note"]) if isinstance(n, str)]
        cells = [Cell(str(contrast)), Cell(str(readout)), Cell(str(first["role"]))]
        cells.append(cell(first["n_genes"], columns[3]))
        cells.append(cell(first["coverage"], columns[4]))
        cells.append(cell(gate["effect"] if gate else None, columns[5]))
        cells += [_statistic(found.get((contrast, readout, m)), p=True) for m in methods]
        cells.append(Cell("; ".join(notes) or "–"))
        rows.append(Row(tuple(cells), contrast=str(contrast)))
    return Table(
        f"evidence-{pathway}",
        f"{wording.pathway(pathway)}: every line of evidence, statistic (p) of each test; ▲ and ▼ "
        "are votes",
        tuple(columns),
        tuple(rows),
        "evidence.tsv",
        search=True,
    )


def _readouts(data: ReportData, pathway: str) -> Table:
    about = [
        {
            "readout": r.readout,
            "family": r.family.replace("_", " "),
            "role": r.role,
            "size": len(r.weights),
            "direction": "same" if r.expected_direction > 0 else "opposite",
            "source": f"{r.source} {r.version}".strip(),
            "citation": r.citation,
            "note": r.note,
        }
        for r in data.panel.readouts_of(pathway)
    ]
    return table(
        pd.DataFrame(about),
        [
            Column("readout", "Readout"),
            Column("family", "Family"),
            Column("role", "Role"),
            Column("size", "Genes", integer),
            Column("direction", "Direction"),
            Column("source", "Source"),
            Column("citation", "Citation"),
            Column("note", "What it really measures"),
        ],
        ident=f"readouts-{pathway}",
        caption=f"{wording.pathway(pathway)}: the readouts of the panel",
    )


def _controls(data: ReportData) -> Table:
    rows = []
    for c in data.contrasts:
        for name, wanted in c.expected.items():
            found = data.call(c.contrast, name) if name in data.pathways else None
            state = str(found["call"]) if found else ""
            met = state == wanted
            rows.append(
                {
                    "contrast": c.contrast,
                    "label": c.label,
                    "pathway": wording.pathway(name),
                    "expected": wanted,
                    "found": wording.CALLS[state] if found else "not a called pathway",
                    "ok": "yes" if met else "no",
                    "reason": found["reason"] if found else None,
                }
            )
    control = data.evidence[
        (data.evidence["role"] == "control") & (data.evidence["method"] == figures.GATE)
    ]
    moves = {1: "moves up", -1: "moves down", 0: "does not move"}
    rows += [
        {
            "contrast": row["contrast"],
            "label": data.contrast(row["contrast"]).label,
            "pathway": wording.pathway(row["pathway"]),
            "expected": "control readout",
            "found": f"{row['readout']}: t {number(row['stat'])}, p {pvalue(row['pvalue'])}",
            "ok": moves[int(row["vote"])],
            "reason": row["note"],
        }
        for row in control.to_dict("records")
    ]
    return table(
        pd.DataFrame(
            rows, columns=["contrast", "label", "pathway", "expected", "found", "ok", "reason"]
        ),
        [
            Column("label", "Contrast"),
            Column("pathway", "Pathway"),
            Column("expected", "Expected"),
            Column("found", "Found"),
            Column("ok", "Met"),
            Column("reason", "Reason"),
        ],
        ident="table-controls",
        caption="Controls: what each treatment had to do, and readouts that must stay still",
        css=lambda r, key: {"yes": "good", "no": "bad"}.get(r["ok"], "") if key == "ok" else "",
        search=True,
        empty="No contrast declares an expected effect.",
    )


def _false_calls(data: ReportData) -> Table:
    columns = [Column("label", "Contrast")]
    columns += [Column(p, wording.pathway(p), percent) for p in data.pathways]
    frame = pd.DataFrame(
        [
            {"contrast": c.contrast, "label": c.label}
            | {p: data.call(c.contrast, p)["false_call_rate"] for p in data.pathways}
            for c in data.contrasts
        ]
    )
    return table(
        frame,
        columns,
        ident="table-false",
        caption="False-call rate: share of mock contrasts of the model in which this pathway would "
        "have been called",
        file="calls.tsv",
        css=lambda r, key: (
            "bad"
            if key in data.pathways and not is_missing(r[key]) and r[key] > data.max_false_call_rate
            else ""
        ),
    )


def _calibration(data: ReportData) -> Table | None:
    frames = [f for m in data.models if (f := data.extra.get(f"calibration/{m}")) is not None]
    if not frames:
        return None
    frame = pd.concat(frames)
    frame = frame.assign(
        pathway=[wording.pathway(v) for v in frame["pathway"]],
        source=[str(v).replace("_", " ") for v in frame["source"]],
    )
    return table(
        frame,
        [
            Column("model", "Model"),
            Column("pathway", "Pathway"),
            Column("source", "Nulls from"),
            Column("n_contrasts", "Null contrasts", integer),
            Column("n_called", "False calls", integer),
            Column("false_call_rate", "Rate", percent),
            Column("ci_high", "95% upper bound", percent),
            Column("used", "Given in the calls"),
        ],
        ident="table-calibration",
        caption="How often the whole rule makes a call where there is nothing",
        css=lambda r, key: (
            "bad" if key == "false_call_rate" and r[key] > data.max_false_call_rate else ""
        ),
    )


def _adjusted(data: ReportData, pathway: str) -> Table | None:
    frame = data.extra.get("adjusted")
    if frame is None or not (own := frame[frame["pathway"] == pathway]).size:
        return None
    own = own.assign(
        label=[data.contrast(c).label for c in own["contrast"]],
        before=[wording.CALLS.get(v, v) for v in own["call_unadjusted"]],
        after=[wording.CALLS.get(v, v) for v in own["call_adjusted"]],
        confounders=[text(v).replace(";", ", ") for v in own["confounders"]],
        moved=[text(v).replace(";", ", ") for v in own["moved"]],
    )
    return table(
        own,
        [
            Column("label", "Contrast"),
            Column("before", "Unadjusted"),
            Column("after", "Adjusted"),
            Column("confounders", "Adjusted for"),
            Column("moved", "Moving the same way"),
            Column("strongest_t", "Strongest |t|", number),
            Column("confounder_t", "Confounder |t|", number),
            Column("withheld", "Withheld"),
        ],
        ident=f"adjusted-{pathway}",
        file="adjusted.tsv",
        caption=f"{wording.pathway(pathway)}: the call with and without its confounders",
        css=lambda r, key: "warn" if key == "withheld" and r[key] == "yes" else "",
    )


def _gene_matrix(data: ReportData, name: str, *, by: str, ident: str, caption: str) -> Table | None:
    """Gene × contrast: log2 fold change, marked where FDR < alpha."""
    frame = data.extra.get(name)
    if frame is None:
        return None
    found = {(r["symbol"], r[by], r["contrast"]): r for r in frame.to_dict("records")}
    columns = [Column("symbol", "Gene"), Column(by, by.capitalize())]
    columns += [Column(c.contrast, c.contrast, number, c.label) for c in data.contrasts]
    rows = []
    for (symbol, part), _ in frame.groupby(["symbol", by], sort=False):
        cells = [Cell(str(symbol)), Cell(str(part).replace("_", " "))]
        for c in data.contrasts:
            row = found.get((symbol, part, c.contrast))
            if row is None or is_missing(row["log2fc"]):
                cells.append(Cell("–"))
                continue
            hit = not is_missing(row["padj"]) and row["padj"] < data.alpha
            up = row["log2fc"] > 0
            mark = (" ▲" if up else " ▼") if hit else ""
            style = ("vup" if up else "vdown") if hit else ""
            shown = f"{row['log2fc']:.2f}".replace("-", "−")
            cells.append(Cell(shown + mark, precise(row["log2fc"]), style))
        rows.append(Row(tuple(cells)))
    return Table(
        ident,
        f"{caption}: log2 fold change, ▲ ▼ at FDR < {data.alpha:g}",
        tuple(columns),
        tuple(rows),
        f"{name}.tsv",
        search=True,
    )


def _ranking(data: ReportData) -> Table | None:
    frame = data.extra.get("ranking")
    if frame is None:
        return None
    shown = pd.concat([figures.ranking_rows(frame, c.contrast, 12) for c in data.contrasts])
    ranks = [
        "–" if is_missing(r["rank"]) else f"{r['rank_low']:.0f}–{r['rank_high']:.0f}"
        for r in shown.to_dict("records")
    ]
    return table(
        shown.assign(interval=ranks),
        [
            Column("contrast", "Contrast"),
            Column("name", "Signature"),
            Column("kind", "Kind"),
            Column("effect", "Effect (SD)", number),
            Column("ci_low", "95% low", number),
            Column("ci_high", "95% high", number),
            Column("stat", "t", number),
            Column("pvalue", "p", pvalue),
            Column("fdr", "FDR", pvalue),
            Column("rank", "Rank", integer),
            Column("interval", "95% of the rank"),
        ],
        ident="table-ranking",
        caption="The called pathways and the 12 strongest other signatures of each contrast",
        file="ranking.tsv",
        search=True,
    )


def _before_confounders(data: ReportData, contrast: str, pathway: str) -> str:
    """The call that the alternative analyses are compared with."""
    frame = data.extra.get("adjusted")
    if frame is not None:
        at = (frame["contrast"] == contrast) & (frame["pathway"] == pathway)
        if at.any():
            return str(frame.loc[at, "call_unadjusted"].iloc[0])
    return str(data.call(contrast, pathway)["call"])


def _sensitivity(data: ReportData) -> dict[str, Any] | None:
    """Share of analyses that agree, per contrast and pathway; and what differs."""
    frame = data.extra.get("sensitivity")
    if frame is None:
        return None
    columns = [Column("label", "Contrast")]
    columns += [Column(p, wording.pathway(p), percent) for p in data.pathways]
    rows = []
    for c in data.contrasts:
        cells = [Cell(c.label)]
        for p in data.pathways:
            own = frame[(frame["contrast"] == c.contrast) & (frame["pathway"] == p)]
            if own.empty:
                cells.append(Cell("–"))
                continue
            n = int((own["agrees"] == "yes").sum())
            share = n / len(own)
            call = wording.CALLS[_before_confounders(data, c.contrast, p)]
            cells.append(
                Cell(f"{call}: {n} of {len(own)}", precise(share), "bad" if share < 0.8 else "")
            )
        rows.append(Row(tuple(cells), contrast=c.contrast))
    kinds = frame.assign(yes=frame["agrees"] == "yes").groupby(["kind", "variant"], sort=False)
    variants = kinds["yes"].agg(["sum", "size"]).reset_index()
    variants["share"] = variants["sum"] / variants["size"]
    differ = frame[frame["agrees"] != "yes"]
    differ = differ.assign(
        main=[
            wording.CALLS[_before_confounders(data, r["contrast"], r["pathway"])]
            for r in differ.to_dict("records")
        ],
        call=[wording.CALLS.get(v, v) for v in differ["call"]],
        pathway=[wording.pathway(v) for v in differ["pathway"]],
    )
    return {
        "matrix": Table(
            "table-sensitivity",
            "The rule's call, before a look at confounders, and how many of the declared analyses "
            "give the same one",
            tuple(columns),
            tuple(rows),
            "sensitivity.tsv",
        ),
        "variants": table(
            variants,
            [
                Column("kind", "Kind of choice"),
                Column("variant", "Choice"),
                Column("sum", "Same call", integer),
                Column("size", "Calls", integer),
                Column("share", "Agree", percent),
            ],
            ident="table-variants",
            search=True,
            caption="Each alternative choice, and how many calls stay the same under it",
        ),
        "differ": table(
            differ,
            [
                Column("contrast", "Contrast"),
                Column("pathway", "Pathway"),
                Column("main", "Call before confounders"),
                Column("kind", "Kind of choice"),
                Column("variant", "Choice"),
                Column("call", "Call under it"),
            ],
            ident="table-differ",
            search=True,
            caption="Where an alternative choice gives another call",
            empty="No alternative choice changes any call.",
        ),
    }


def _excluded(data: ReportData) -> Table:
    rows = data.samples[data.samples["included"] == "no"]
    title = next((c for c in ("geo_title", "title") if c in rows.columns), None)
    columns = [Column("sample", "Sample")]
    columns += [Column(title, "Title")] if title else []
    columns += [
        Column("reason", "Why it is not used"),
        Column("library_size", "Library size", integer),
    ]
    return table(
        rows,
        columns,
        ident="table-excluded",
        caption="Samples that were not used",
        file="samples.tsv",
        empty="Every sample of the sheet was used.",
    )


def _flags(data: ReportData) -> Table:
    frame = data.flags.assign(flag=[str(v).replace("_", " ") for v in data.flags["flag"]])
    return table(
        frame,
        [
            Column("sample", "Sample"),
            Column("flag", "Flag"),
            Column("severity", "Severity"),
            Column("value", "Value", number),
            Column("threshold", "Limit", number),
            Column("reason", "Reason"),
            Column("advice", "What to do"),
        ],
        ident="table-flags",
        caption="What looks wrong, and why",
        file="qc/flags.tsv",
        css=lambda r, key: (
            {"severe": "bad", "warning": "warn"}.get(r["severity"], "") if key == "severity" else ""
        ),
        empty="No sample is flagged.",
    )


def _metrics(data: ReportData) -> Table:
    more = [c for c in data.samples.columns if c in ("geo_title", "title")]
    frame = data.metrics.merge(data.samples[["sample", *more]], on="sample", how="left")
    return table(
        frame,
        [
            Column("sample", "Sample"),
            *[Column(c, "Title") for c in more[:1]],
            Column("group", "Group"),
            Column("library_size", "Library size", integer),
            Column("n_genes", "Genes seen", integer),
            Column("pct_top_50", "% in top 50", number),
            Column("pct_mitochondrial", "% mitochondrial", number),
            Column("size_factor", "Size factor", number),
            Column("median_correlation", "Median ρ", number),
            Column("group_correlation", "Median ρ in group", number),
            Column("mate_distance", "Distance from mates", number),
        ],
        ident="table-metrics",
        caption="Quality of each included sample",
        file="qc/metrics.tsv",
        search=True,
    )


GENE_COLUMNS = [
    Column("symbol", "Gene"),
    Column("gene_id", "Id"),
    Column("base_mean", "Mean", number),
    Column("log2fc", "log2 FC", number),
    Column("lfc_se", "SE", number),
    Column("log2fc_shrunk", "Shrunken", number),
    Column("pvalue", "p", pvalue),
    Column("padj", "FDR", pvalue),
]


def _detail(data: ReportData, c: ContrastInfo) -> dict[str, Any]:
    de = data.de[c.contrast]
    side = figures.classes(de, data.alpha)
    ordered = de.assign(side=side).sort_values(
        ["pvalue", "gene_id"], kind="stable", na_position="last"
    )
    top = [ordered[ordered["side"] == name].head(TOP_GENES) for name in ("up", "down")]
    enrichment = data.enrichment[c.contrast].sort_values("p_camera", kind="stable")
    model = data.models[c.model]
    return {
        "info": c,
        "n_tested": int(de["stat"].notna().sum()),
        "n_fdr": int(de["padj"].notna().sum()),
        "n_up": int((side == "up").sum()),
        "n_down": int((side == "down").sum()),
        "n_outlier": int((de["outlier"] == "yes").sum()),
        "formula": model.formula,
        "n_samples": len(model.samples),
        "residual_df": model.residual_df,
        "volcano": _figure("volcano", figures.volcano(data, c.contrast), c.contrast),
        "ma": _figure("ma", figures.ma(data, c.contrast), c.contrast),
        "top": [
            table(
                rows,
                GENE_COLUMNS,
                ident=f"top-{name}-{c.contrast}",
                contrast=c.contrast,
                caption=f"{len(rows)} genes {name} with the smallest p in {c.contrast} "
                f"(FDR < {data.alpha:g})",
                file=f"de/{c.contrast}.tsv",
                empty=f"No gene is {name} at FDR < {data.alpha:g}.",
            )
            for name, rows in zip(("up", "down"), top, strict=True)
        ],
        "enrichment": table(
            enrichment,
            [
                Column("gene_set", "Gene set"),
                Column("collection", "Collection"),
                Column("n_matched", "Genes", integer),
                Column("nes", "NES", number),
                Column("fdr", "FDR (GSEA)", pvalue),
                Column("z_camera", "z (camera)", number),
                Column("p_camera", "p (camera)", pvalue),
                Column("fdr_camera", "FDR (camera)", pvalue),
                Column("note", "Note"),
            ],
            ident=f"enrichment-{c.contrast}",
            contrast=c.contrast,
            caption=f"Every set of the declared collection in {c.contrast}",
            file=f"enrichment/{c.contrast}.tsv",
            search=True,
        ),
        "activity": table(
            data.activity[c.contrast].sort_values("pvalue", kind="stable"),
            [
                Column("source", "Footprint"),
                Column("n_targets", "Targets", integer),
                Column("score", "t", number),
                Column("pvalue", "p", pvalue),
                Column("fdr", "FDR", pvalue),
            ],
            ident=f"activity-{c.contrast}",
            contrast=c.contrast,
            caption=f"Footprints in {c.contrast}, all in one linear model",
            file=f"activity/{c.contrast}.tsv",
        ),
    }


def _secretome(data: ReportData) -> dict[str, Any]:
    frames = [
        frame.assign(contrast=c.contrast)
        for c in data.contrasts
        if len(frame := data.secretome[c.contrast])
    ]
    columns = [
        Column("contrast", "Contrast"),
        Column("symbol", "Gene"),
        Column("class", "Class"),
        Column("direction", "Direction"),
        Column("log2fc", "log2 FC", number),
        Column("log2fc_shrunk", "Shrunken", number),
        Column("padj", "FDR", pvalue),
        Column("n_in_group", "Same way in group", integer),
    ]
    names = [c.key for c in columns] + ["osteoclast", "gene_id", "group"]
    everything = pd.concat(frames) if frames else pd.DataFrame(columns=names)
    # Classes that signal; 20 lines a contrast.
    signalling = everything[~everything["class"].isin(["other_secreted", "ecm"])]
    shown = (
        pd.concat(
            [
                rows.sort_values("padj", kind="stable").head(20)
                for _, rows in signalling.groupby("contrast", sort=False)
            ]
        )
        if len(signalling)
        else signalling
    )
    osteo = everything[everything["osteoclast"].notna()]
    overlap = data.overlap.assign(
        **{"class": [str(v).replace("_", " ") for v in data.overlap["class"]]}
    )
    return {
        "figure": _figure("secretome", figures.secretome(data)),
        "n_all": len(everything),
        "n_shown": len(shown),
        "table": table(
            _pretty(shown),
            columns,
            ident="table-secretome",
            search=True,
            caption="Signalling factors that change (cytokines, chemokines, growth factors, "
            "hormones, proteases), up to 20 a contrast",
            empty="No secreted factor changes.",
        ),
        "osteoclast": table(
            _pretty(osteo),
            [*columns, Column("osteoclast", "Set")],
            ident="table-osteoclast",
            caption="Osteoclast-activating and osteolytic factors that change",
            search=True,
            empty="None of the panel's osteoclast-activating factors changes.",
        ),
        "overlap": table(
            overlap,
            [
                Column("contrast", "Contrast"),
                Column("class", "Class"),
                Column("direction", "Direction"),
                Column("n_class", "Expressed", integer),
                Column("n_changed", "Genes changed", integer),
                Column("n_overlap", "Factors changed", integer),
                Column("odds_ratio", "Odds ratio", number),
                Column("pvalue", "p", pvalue),
                Column("fdr", "FDR", pvalue),
            ],
            ident="table-overlap",
            caption="Are secreted factors over-represented among the changed genes?",
            file="secretome/overlap.tsv",
            search=True,
        ),
    }


def _fosl1(data: ReportData) -> Table:
    rows = []
    for c in data.contrasts:
        de = data.de[c.contrast]
        own = de[de["symbol"] == "FOSL1"].to_dict("records")
        rows += [{**row, "contrast": c.contrast, "label": c.label} for row in own]
    frame = pd.DataFrame(rows, columns=["contrast", "label", *data.de[data.contrasts[0].contrast]])
    return table(
        frame,
        [Column("label", "Contrast"), *GENE_COLUMNS[2:]],
        ident="table-fosl1",
        caption="FOSL1 (FRA1), its own change in each contrast",
        empty="FOSL1 is not in the matrix.",
    )


def _combined_genes(data: ReportData) -> Table | None:
    frame = data.combined_genes[data.combined_genes["fdr"].notna()]
    if frame.empty:
        return None
    top = pd.concat(
        [
            rows.sort_values("pvalue", kind="stable").head(30)
            for _, rows in frame.groupby("group", sort=False)
        ]
    )
    return table(
        top,
        [
            Column("group", "Group"),
            Column("symbol", "Gene"),
            Column("effect", "log2 FC", number),
            Column("ci_low", "95% low", number),
            Column("ci_high", "95% high", number),
            Column("pvalue", "p", pvalue),
            Column("fdr", "FDR", pvalue),
            Column("i2", "I²", percent),
            Column("n_contrasts", "Contrasts", integer),
            ERROR_CORRELATION,
        ],
        ident="table-combined-genes",
        file="combined/genes.tsv",
        search=True,
        caption="Genes with the smallest combined p, up to 30 a group",
    )


def _rule(config: Mapping[str, Any]) -> Table | None:
    rule = config.get("calls")
    if not isinstance(rule, Mapping):
        return None
    rows = [{"key": f"calls.{k}", "value": str(v)} for k, v in rule.items()]
    return table(
        pd.DataFrame(rows),
        [Column("key", "Setting"), Column("value", "Value")],
        ident="table-rule",
        caption="The rule's settings in this run",
    )


def _inputs(data: ReportData) -> Table:
    return table(
        data.inputs,
        [
            Column("file", "File"),
            Column("kind", "Kind"),
            Column("source", "Source"),
            Column("bytes", "Bytes", integer),
            Column("retrieved", "Retrieved (UTC)"),
            Column("url", "Address"),
            Column("sha256", "SHA-256"),
            Column("note", "Note"),
        ],
        ident="table-inputs",
        caption="Every file that entered the analysis",
        file="provenance/inputs.tsv",
        css=lambda r, key: (
            "warn" if key == "kind" and r["kind"] != "real" else "hash" if key == "sha256" else ""
        ),
    )


def _software(data: ReportData) -> Table:
    return table(
        data.software,
        [
            Column("name", "Package"),
            Column("version", "Version"),
            Column("used_for", "Used for"),
            Column("citation", "Citation"),
        ],
        ident="table-software",
        caption="Software that made the results",
        file="provenance/software.tsv",
    )


def _models(data: ReportData) -> Table:
    rows = [
        {
            "model": name,
            "formula": m.formula,
            "samples": len(m.samples),
            "genes": m.counts.shape[1],
            "df": m.residual_df,
            "contrasts": ", ".join(c.contrast for c in data.contrasts if c.model == name),
        }
        for name, m in data.models.items()
    ]
    return table(
        pd.DataFrame(rows),
        [
            Column("model", "Model"),
            Column("formula", "Design"),
            Column("samples", "Samples", integer),
            Column("genes", "Genes tested", integer),
            Column("df", "Residual df", integer),
            Column("contrasts", "Contrasts"),
        ],
        ident="table-models",
        caption="Models",
    )


def _pretty(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{"class": [str(v).replace("_", " ") for v in frame["class"]]})
