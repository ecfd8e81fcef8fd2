"""pydeseq2 as it is, imported without what few fits need.

`import pydeseq2` loads matplotlib for ``plot_dispersions`` and ``plot_MA``, scikit-learn for one
line of ``DefaultInference`` and formulaic for designs given as formulas: 45 MB and a second, and
most fits need none. Here a name stands for each that imports it at its first use. What is loaded
already is left as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

LATER = (
    ("matplotlib", "pyplot"),
    ("sklearn.linear_model", "LinearRegression"),
    ("formulaic_contrasts", "FormulaicContrasts"),
)


class Later:
    """A module, or an attribute of one, that is imported when it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(resolve_name(self._name), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return resolve_name(self._name)(*args, **kwargs)


@contextmanager
def put_off() -> Iterator[None]:
    """What pydeseq2 takes from `LATER` while it is imported is imported at its first use."""
    stand_ins = {}
    for module, name in LATER:
        if module not in sys.modules:
            stand_ins[module] = ModuleType(module)
            setattr(stand_ins[module], name, Later(f"{module}.{name}"))
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for module in stand_ins:
            del sys.modules[module]


with put_off():
    from pydeseq2 import preprocessing, utils
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

__all__ = ["DefaultInference", "DeseqDataSet", "DeseqStats", "preprocessing", "utils"]
