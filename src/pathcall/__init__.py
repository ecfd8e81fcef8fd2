"""From one public GEO RNA-seq study to calls on AKT and NF-κB signalling, with their evidence.

The package holds all thinking of the workflow and never imports Snakemake. Importing it is light:
each module imports what it uses, and heavy libraries are imported by the modules that need them.
The functions for use in Python (docs/python.md) are imported when they are asked for.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_API = ("Fit", "call_pathways", "contrast", "enrich", "fit", "panel", "score_samples")
__all__ = [*_API, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("pathcall.api"), name)


def __dir__() -> list[str]:
    return __all__
