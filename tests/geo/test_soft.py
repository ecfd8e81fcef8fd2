import pytest

from pathcall.errors import DamagedError, InputError
from pathcall.geo import soft as geo
from tests.fake_geo import Study, pack


def test_a_sample_described_twice_is_refused(tmp_path):
    path = tmp_path / "x.soft.gz"
    study = Study()
    text = study.soft()
    path.write_bytes(pack(text + f"^SAMPLE = {study.gsms[2]}\n!Sample_title = another\n"))
    with pytest.raises(DamagedError, match=f"twice.*{study.gsms[2]}"):
        geo.check_soft(path, "x", study=study.accession, max_bytes=10**8)


def test_addresses():
    assert geo.soft_url("GSE64741") == (
        "https://ftp.ncbi.nlm.nih.gov/geo/series/GSE64nnn/GSE64741/soft/GSE64741_family.soft.gz"
    )
    assert geo.soft_url("GSE12").startswith("https://ftp.ncbi.nlm.nih.gov/geo/series/GSEnnn/GSE12/")
    assert geo.suppl_url("GSE146540").endswith("/GSE146nnn/GSE146540/suppl/")
    assert geo.counts_url("GSE64741", "human") == (
        "https://www.ncbi.nlm.nih.gov/geo/download/?type=rnaseq_counts&acc=GSE64741&format=file"
        "&file=GSE64741_raw_counts_GRCh38.p13_NCBI.tsv.gz"
    )
    assert geo.counts_url("GSE1", "mouse").endswith("GSE1_raw_counts_GRCm39_NCBI.tsv.gz")
    assert geo.annotation_url("mouse").endswith("file=Mouse.GRCm39.annot.tsv.gz")


def read(study, tmp_path, text=None):
    path = tmp_path / f"{study.accession}_family.soft.gz"
    path.write_bytes(pack(text if text is not None else study.soft()))
    return geo.read_soft(path, study=study.accession)


def test_read_soft(tmp_path, capfd):
    study = Study(
        extra=[
            "!Series_relation = SuperSeries of: GSE90012",
            "!Series_relation = SuperSeries of: GSE9002",
            "!Series_supplementary_file = ftp://ftp.ncbi.nlm.nih.gov/x/suppl/a.txt.gz",
            "!Series_supplementary_file = NONE",
        ],
        sample_lines=lambda i: [
            "!Sample_characteristics_ch1 = dose: 1 µM",
            "!Sample_characteristics_ch1 = title: odd key",
            "!Sample_characteristics_ch1 = no colon here",
            "!Sample_characteristics_ch1 = time: a: b",
            "!Sample_characteristics_ch1 = dose: again",
        ],
    )
    series = read(study, tmp_path)
    assert capfd.readouterr() == ("", "")
    assert series.accession == "GSE90001"
    assert list(series.samples.index) == study.gsms
    assert series.organisms == ("Homo sapiens",)
    assert series.subseries == ("GSE9002", "GSE90012")
    assert series.sra_studies == ("SRP900165",)
    assert series.supplementary == ("ftp://ftp.ncbi.nlm.nih.gov/x/suppl/a.txt.gz",)
    assert series.characteristics == (
        "dose", "characteristic title", "characteristic 3", "time",
    )  # fmt: skip
    first = series.samples.iloc[0]
    assert first["dose"] == "1 µM; again"
    assert first["time"] == "a: b"
    assert first["title"] == "vehicle_rep1"
    assert first["sra_experiment"] == "SRX880000"


def test_another_series_is_named(tmp_path):
    path = tmp_path / "x.soft.gz"
    path.write_bytes(pack(Study(accession="GSE90002").soft()))
    with pytest.raises(InputError, match="those of GSE90002, not of GSE90001"):
        geo.read_soft(path, study="GSE90001")


def test_listed_but_not_described_samples_are_named(tmp_path):
    study = Study()
    text = study.soft()
    short = text[: text.index("^SAMPLE = GSM9000004")]
    with pytest.raises(InputError, match="3 of 6 samples are listed but not described"):
        read(study, tmp_path, short)


def test_what_is_not_soft_is_named(tmp_path):
    path = tmp_path / ".x.part"
    for body, what in (
        (pack("GeneID\tx\n"), "not in SOFT format"),
        (pack("<!DOCTYPE html><title>No</title>"), "compressed HTML page"),
        (b"plain", "not a gzip file but plain text"),
        (b"", "empty"),
        (pack(Study().soft())[:-9], "cut short"),
    ):
        path.write_bytes(body)
        with pytest.raises(InputError, match=what):
            geo.check_soft(path, "url", study="GSE90001", max_bytes=10**7)
    path.write_bytes(pack(Study().soft()))
    geo.check_soft(path, "url", study="GSE90001", max_bytes=10**7)
    with pytest.raises(InputError, match="larger than the limit"):
        geo.check_soft(path, "url", study="GSE90001", max_bytes=1000)


def test_series_without_samples(tmp_path):
    text = "^DATABASE = x\n^SERIES = GSE90001\n!Series_geo_accession = GSE90001\n"
    with pytest.raises(InputError, match="no samples"):
        read(Study(), tmp_path, text)
