"""Adapter of rule render_report."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathlib import Path

    from pathcall.report import render_report
    from pathcall.signatures.panel import place_of

    out = Path(snakemake.output.html)
    render_report(
        out.parent,
        config=snakemake.params.config,
        contrasts=snakemake.params.contrasts,
        panel_folder=place_of(snakemake.input.panel),
        out=out,
        figures=out.parent / "figures",
    )
