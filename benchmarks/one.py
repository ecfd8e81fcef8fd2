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

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is imported


def main(engine: str, name: str, threads: int, folder: Path) -> None:
    from benchmarks.data import load

    study = load(name)
    assert study is not None, name
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    cpu = time.process_time()
    from pathcall.deseq import de

    if engine == "pydeseq2":
        warnings.simplefilter("ignore")
        from pydeseq2.default_inference import DefaultInference

        inference = DefaultInference(n_cpus=threads)
    imported = time.perf_counter()
    if engine == "pathcall":
        fit = de.fit_model(study.counts, study.design, threads=threads)
    elif engine == "pathcall_in_pydeseq2":
        fit = de.fit_model(study.counts, study.design, r_agreement=False, threads=threads)
    else:
        fit = de.fit_model(study.counts, study.design, r_agreement=False, inference=inference)
    fitted = time.perf_counter()
    for key, weights in study.weights.items():
        # pydeseq2 cannot shrink a contrast: its time is without shrinkage, ours with it.
        table = de.test_contrast(fit, weights, alpha=0.05, shrink=engine == "pathcall")
        table.assign(dispersion=fit.dispersions).to_csv(folder / f"{engine}_{key}.tsv", sep="\t")
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
