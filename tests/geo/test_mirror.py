import pytest

from pathcall.errors import InputError
from pathcall.geo import sources
from pathcall.geo.lockfile import read_origins
from pathcall.geo.manifest import input_rows
from pathcall.geo.mirror import pack_mirror
from pathcall.geo.options import DownloadOptions
from tests.fake_geo import HOSTS, serve
from tests.geo.test_sources import STUDY, frame, options, run


@pytest.mark.parametrize("source", ["ncbi", "recount3"])
def test_a_packed_mirror_serves_the_study_offline(tmp_path, source):
    with serve(STUDY.files()) as server:
        first = run(tmp_path / "a", options(server), source=source)
    out = tmp_path / "mirror"
    pack_mirror(tmp_path / "a" / "source.json", out=out)
    how = DownloadOptions(offline=True, mirrors={h: f"{out.as_uri()}/{h}" for h in HOSTS})
    second = run(tmp_path / "b", how, source=source)
    assert [f.sha256 for f in second.files] == [f.sha256 for f in first.files]
    counts = [sources.read_counts(tmp_path / work / "source.json").counts for work in "ab"]
    assert counts[0].equals(counts[1])
    assert "offline: true" in (out / "README.md").read_text()


def test_a_packed_mirror_keeps_the_kind(tmp_path):
    from tests.geo.test_sources import marker

    with serve({**STUDY.files(), "ORIGIN.tsv": marker().encode()}) as server:
        run(tmp_path / "a", options(server), source="ncbi")
    pack_mirror(tmp_path / "a" / "source.json", out=tmp_path / "mirror")
    assert read_origins(tmp_path / "mirror")[STUDY.counts_path].kind == "simulated"
    base = (tmp_path / "mirror").as_uri()
    how = DownloadOptions(offline=True, mirrors={h: f"{base}/{h}" for h in HOSTS})
    run(tmp_path / "b", how, source="ncbi")
    rows = input_rows(tmp_path / "b" / "source.json")
    assert rows["kind"].tolist() == ["real", "simulated", "real"]


def test_nothing_to_pack_and_changed_files_are_errors(tmp_path):
    frame().to_csv(tmp_path / "x.tsv", sep="\t")
    run(tmp_path, DownloadOptions(), source="file", file=str(tmp_path / "x.tsv"))
    with pytest.raises(InputError, match="nothing to pack"):
        pack_mirror(tmp_path / "source.json", out=tmp_path / "mirror")
    with serve(STUDY.files()) as server:
        manifest = run(tmp_path / "a", options(server), source="ncbi")
    with open(manifest.files[0].file, "ab") as stream:
        stream.write(b"x")
    with pytest.raises(InputError, match="was changed"):
        pack_mirror(tmp_path / "a" / "source.json", out=tmp_path / "mirror2")
