"""All benchmarks, one after the other: ``python -m benchmarks [--quick]``.

Prints ratios, writes ``benchmarks/results/*.json`` and the pages in ``docs/`` that show them.
"""

import subprocess
import sys

if __name__ == "__main__":
    quick = "--quick" in sys.argv[1:]
    engine = ["--skip-stock", "--skip-scaling"] if quick else []
    for command in (["benchmarks.run", *engine], ["benchmarks.calls", *(["--quick"] * quick)]):
        status = subprocess.run([sys.executable, "-m", *command], check=False).returncode
        if status:
            sys.exit(status)
