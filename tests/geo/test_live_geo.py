"""What this project believes of GEO and recount3, asked of the live servers.

Off by default: run with ``-m internet`` (weekly in the public CI). A failure here means that an
archive has changed, or is down: not that a change to the project broke something.
"""

import pytest

from pathcall.errors import NotPresentError
from pathcall.geo import fetch, sources
from pathcall.geo import soft as geo
from pathcall.geo.http import Client
from pathcall.geo.options import DownloadOptions

pytestmark = pytest.mark.internet
COUNTS = {
    "source": "ncbi",
    "file": None,
    "metadata": None,
    "gene_id": "auto",
    "sra_study": None,
    "layer": None,
    "estimated": False,
}
STUDY = "GSE64741"


@pytest.fixture(autouse=True)
def only_when_asked(request):
    if "internet" not in (request.config.option.markexpr or ""):
        pytest.skip("talks to live servers: run with -m internet")


def fetch_both(work, source):
    counts = {**COUNTS, "source": source}
    how = DownloadOptions(retries=3)
    fetch.fetch_metadata(STUDY, organism="human", counts=counts, folder=work / "r", options=how,
                           out=work / "metadata.json")  # fmt: skip
    return fetch.fetch_counts(work / "metadata.json", counts=counts, folder=work / "r",
                                options=how, out=work / "source.json")  # fmt: skip


@pytest.mark.parametrize("source", ["ncbi", "recount3"])
def test_the_default_study_can_be_had(tmp_path, source):
    manifest = fetch_both(tmp_path, source)
    series = sources.read_series(tmp_path / "source.json")
    assert len(series.samples) == 41
    table = sources.read_counts(tmp_path / "source.json")
    assert set(table.counts.columns) <= set(series.samples.index)
    assert len(table.counts) > 20_000
    assert all(file.kind == "real" for file in manifest.files)


def test_an_unknown_file_is_a_404_and_no_page(tmp_path):
    with pytest.raises(NotPresentError):
        Client(DownloadOptions(retries=1)).obtain(
            geo.counts_url("GSE1", "human"), folder=tmp_path, name="x", validate=lambda p, w: None
        )


def test_supplementary_folders_are_listed():
    names = Client(DownloadOptions(retries=3)).names(geo.suppl_url("GSE52778"))
    assert any(name.startswith("GSE52778") for name in names)
