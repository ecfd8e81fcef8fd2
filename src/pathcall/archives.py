"""Where public data lies. Imports nothing: the config names these hosts (`mirrors`)."""

from __future__ import annotations

GEO_DOWNLOAD = "https://www.ncbi.nlm.nih.gov/geo/download/"
GEO_SERIES = "https://ftp.ncbi.nlm.nih.gov/geo/series"
RECOUNT3 = "http://duffel.rail.bio/recount3"
HOSTS = tuple(url.split("/")[2] for url in (GEO_SERIES, GEO_DOWNLOAD, RECOUNT3))
"""Hosts that files come from."""
