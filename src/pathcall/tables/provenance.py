"""What entered and what ran."""

from __future__ import annotations

from pathcall.tables.columns import (
    choice,
    integer,
    schema,
    text,
)

INPUTS = schema(
    "provenance/inputs",
    "Every file that entered the analysis.",
    {
        "file": text("path", label="File"),
        "url": text("where it came from", nullable=True, label="Address"),
        "source": text(
            "geo (metadata), ncbi, recount3, supplementary, file, embedded, lengths, sheet or "
            "panel",
            label="Source",
        ),
        "bytes": integer("size", label="Bytes"),
        "sha256": text("SHA-256 of the bytes", label="SHA-256"),
        "retrieved": text(
            "UTC time of the download (NA: not downloaded)", nullable=True, label="Retrieved (UTC)"
        ),
        "kind": choice(
            "nature of the data", ["real", "embedded", "simulated", "reconstructed"], label="Kind"
        ),
        "note": text(
            "origin, or why an earlier source was passed over", nullable=True, label="Note"
        ),
    },
)

SOFTWARE = schema(
    "provenance/software",
    "Software that made the results.",
    {
        "name": text("package", unique=True, label="Package"),
        "version": text("version", label="Version"),
        "used_for": text("what for", label="Used for"),
        "citation": text("citation", nullable=True, label="Citation"),
    },
)
