"""How to download. Imports the standard library only: the Snakefile needs it at every start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class DownloadOptions:
    """How to download. None of it changes what a verified file holds.

    Attributes
    ----------
    mirrors
        Host → base URL (http, https) or ``file://`` folder to use in its place.
    offline
        Use mirrors and files on disk only.
    accept_changed_inputs
        Lock a file that differs from the lock instead of stopping.
    timeout_s
        Seconds without a byte before a request is given up.
    retries
        Further tries after 429, 5xx, resets and short bodies.
    max_wait_s
        Longest wait between tries, also where the server asks for more.
    max_decompressed_bytes
        Largest size of a file, decompressed.
    backoff_s
        First wait between tries; it doubles each time.
    max_transfer_s
        Longest time that one transfer may take, from connecting to the last byte.
    """

    mirrors: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False
    accept_changed_inputs: bool = False
    timeout_s: float = 30.0
    retries: int = 5
    max_wait_s: float = 120.0
    max_decompressed_bytes: int = 8 * 10**9
    backoff_s: float = 1.0
    max_transfer_s: float = 6 * 3600.0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """From the values of a checked configuration (``Config.model_dump(mode="json")``)."""
        limits = config["download"]
        return cls(
            mirrors=dict(config["mirrors"]),
            offline=config["offline"],
            accept_changed_inputs=config["accept_changed_inputs"],
            timeout_s=limits["timeout_s"],
            retries=limits["retries"],
            max_wait_s=limits["max_wait_s"],
            max_decompressed_bytes=int(limits["max_decompressed_gb"] * 1e9),
        )
