"""The decorator of all kernels: compiled by numba, kept between runs."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_HERE = Path(__file__).parent
_CONFIG: Any = numba.config


def _digest() -> str:
    """Of the source of all kernels: numba itself looks at a function's own file only."""
    sources = sorted(_HERE.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


_SOURCE = _digest()


def jit(function: Kernel) -> Kernel:
    """Compile a kernel at its first call, or load it from the cache.

    The cache is a folder named by the source of all kernels, in ``__pycache__`` beside this file or
    where ``NUMBA_CACHE_DIR`` says; else it is numba's own choice. Where nothing can be written,
    kernels are compiled anew in each process.
    """
    chosen = _CONFIG.CACHE_DIR
    _CONFIG.CACHE_DIR = str(Path(chosen or _HERE / "__pycache__") / _SOURCE)
    compiled: Any
    try:
        compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError as error:  # numba found no folder that it can write
        logger.info("compiled kernels are not cached: %s", error)
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    finally:
        _CONFIG.CACHE_DIR = chosen
    return cast(Kernel, compiled)
