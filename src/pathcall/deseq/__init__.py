"""The fit: negative binomial models by DESeq2's method, as pydeseq2's own classes.

``from pathcall.deseq import DeseqDataSet, DeseqStats`` in place of pydeseq2's gives R's answers.
They are imported when they are asked for: importing a light module of this room costs no more than
that module.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "DeseqDataSet": "pathcall.deseq.dataset",
    "DeseqStats": "pathcall.deseq.stats",
    "RInference": "pathcall.deseq.inference",
}
__all__ = ["DeseqDataSet", "DeseqStats", "RInference"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
