"""All benchmarks, one after the other.

    PYTHONPATH=src python -m benchmarks [--quick]

Prints ratios, writes ``benchmarks/results/*.json`` and the pages in ``docs/`` that show them.
"""

import argparse
import subprocess
import sys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="leave stock pydeseq2 and the scaling out; half the seeds and mock contrasts",
    )
    quick = parser.parse_args().quick
    for command in (
        ["benchmarks.run", *(["--skip-stock", "--skip-scaling"] if quick else [])],
        ["benchmarks.calls", *(["--quick"] if quick else [])],
        ["benchmarks.truth", *(["--quick"] if quick else [])],
        ["benchmarks.qc", *(["--quick"] if quick else [])],
    ):
        status = subprocess.run([sys.executable, "-m", *command], check=False).returncode
        if status:
            sys.exit(status)


if __name__ == "__main__":
    main()
