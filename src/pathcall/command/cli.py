"""Arguments of the command `pathcall`. Imports nothing heavy: each subcommand imports its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from pathcall import __version__
from pathcall.errors import PathcallError

_EPILOG = """\
Start with your counts or an accession:

  pathcall init counts.tsv       # or GSE52778, counts.h5ad, a folder of files
  pathcall check counts          # the folder that it wrote
  pathcall run counts

More: docs/index.md"""


def parser() -> argparse.ArgumentParser:
    """The arguments that `pathcall` takes."""
    top = _Parser(
        prog="pathcall",
        description="From a public RNA-seq study or a table of counts to calls of pathway "
        "activity, with their evidence.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"pathcall {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    init = commands.add_parser(
        "init",
        help="write a study's folder: sheet, contrasts, config, and what is left to decide",
        description="Write a folder that runs as it is: samples.tsv, contrasts.tsv, config.yaml, "
        "and DECIDE.md with what a person must decide.",
        allow_abbrev=False,
    )
    init.add_argument(
        "source",
        metavar="GSE…|COUNTS",
        help="a GEO series, or counts of your own: a table, an h5ad, or a folder of one file a "
        "sample",
    )
    init.add_argument(
        "--samples", metavar="SHEET", help="sample sheet of your counts (tsv, csv or xlsx)"
    )
    init.add_argument("--out", metavar="DIR", help="folder to write (default: named by the study)")
    init.add_argument(
        "--organism",
        choices=("human", "mouse"),
        help="organism of the counts (default: as the gene ids say)",
    )
    init.add_argument("--layer", help="layer of an h5ad that holds the raw counts (default: X)")
    init.add_argument(
        "--configfile",
        metavar="FILE",
        help="config whose `mirrors`, `offline` and `download` hold for what init fetches; they "
        "are copied into the new config",
    )

    check = commands.add_parser(
        "check",
        help="check config, sheet, contrasts and counts; computes nothing",
        description="Check all that can be wrong in what you wrote, the table of counts included, "
        "and say what a run would do.",
        allow_abbrev=False,
    )
    check.add_argument(
        "config", nargs="+", metavar="CONFIG", help="config files, merged in order; or a folder"
    )

    run = commands.add_parser(
        "run",
        help="run the workflow; further arguments are Snakemake's",
        description="Run the packaged workflow with Snakemake: in the present folder, or, if "
        "CONFIG is a folder that init wrote, in that one.",
        usage="pathcall run CONFIG [CONFIG ...] [snakemake arguments]",
        epilog="Example: pathcall run counts --cores 4 --dry-run. Targets: calls, de, qc, report.",
        allow_abbrev=False,
    )
    run.add_argument("config", metavar="CONFIG", help="config file, or a folder that init wrote")
    run.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="...",
        help="further config files (*.yaml), then any arguments of Snakemake",
    )
    return top


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all of pathcall's are."""

    def error(self, message: str) -> NoReturn:
        """End the process with status 2."""
        line = PathcallError(
            f"the command is not understood: {message}",
            where=" ".join(["pathcall", *sys.argv[1:]]),
            fix=f"see {self.prog} --help",
        ).line()
        self.exit(2, f"{line}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; end the process with its status.

    Parameters
    ----------
    arguments
        Arguments of the command; those of this process if not given.
    """
    options = parser().parse_args(arguments)
    try:
        if options.command == "init":
            from pathcall.command.init import init

            init(
                options.source,
                samples=options.samples,
                out=options.out,
                organism=options.organism,
                layer=options.layer,
                configfile=options.configfile,
            )
        elif options.command == "check":
            from pathcall.command.check import check

            check(options.config)
        else:
            from pathcall.command.run import run

            run([options.config, *options.arguments])
    except PathcallError as error:
        print(error.line(), file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
