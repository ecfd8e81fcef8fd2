"""One engine on one data set, in a process of its own, so that its peak memory is its own.

``python -m benchmarks.one ENGINE STUDY THREADS FOLDER``: writes timings as JSON on standard output
and the result tables into FOLDER.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is imported


def main(engine: str, name: str, threads: int, folder: Path) -> None:
    from benchmarks.data import load

    study = load(name)
    assert study is not None, name
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    cpu = time.process_time()
    warnings.simplefilter("ignore")
    if engine == "pathcall":
        from pathcall.deseq import DeseqDataSet, DeseqStats

        options: dict[str, Any] = {"n_cpus": threads}
    else:
        from pydeseq2.dds import DeseqDataSet
        from pydeseq2.default_inference import DefaultInference
        from pydeseq2.ds import DeseqStats

        options = {"inference": DefaultInference(n_cpus=threads)}
    imported = time.perf_counter()
    dds = DeseqDataSet(
        counts=study.counts, metadata=study.factors.astype(str), design=study.design, quiet=True,
        low_memory=True, **options,
    )  # fmt: skip
    dds.deseq2()
    fitted = time.perf_counter()
    names = {"baseMean": "base_mean", "log2FoldChange": "log2fc", "lfcSE": "lfc_se"}
    for key, weights in study.weights.items():
        stats = DeseqStats(dds, weights, inference=dds.inference, quiet=True)
        stats.summary()
        table = stats.results_df.rename(columns=names)
        if engine == "pathcall":  # pydeseq2 cannot shrink a contrast: its time is without shrinkage
            stats.lfc_shrink()
            table["log2fc_shrunk"] = stats.results_df["log2FoldChange"]
        table = table.assign(dispersion=dds.var["dispersions"])
        table.to_csv(folder / f"{engine}_{key}.tsv", sep="\t")
    done = time.perf_counter()
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "engine": engine,
                "study": name,
                "threads": threads,
                "samples": len(study.counts),
                "genes": study.counts.shape[1],
                "import_s": round(imported - started, 2),
                "fit_s": round(fitted - imported, 3),
                "contrasts_s": round(done - fitted, 3),
                "cpu_s": round(time.process_time() - cpu, 2),
                "peak_mb": round(max(peak, children) / 1024),
                "before_mb": round(before / 1024),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
