import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pathcall.counts.matrix import read_counts_h5ad
from pathcall.errors import ConfigError, DownloadError, InputError, NotPresentError
from pathcall.geo import fetch, recount3, sources, supplementary
from pathcall.geo import soft as geo
from pathcall.geo.assemble import assemble_study
from pathcall.geo.manifest import input_rows
from pathcall.geo.options import DownloadOptions
from pathcall.tables import INPUTS, read_table
from tests.fake_geo import DUFFEL, FOREVER, FTP, WWW, Fault, Study, pack, serve
from tests.project import ROOT

STUDY = Study()
COUNTS = {
    "source": "auto",
    "file": None,
    "metadata": None,
    "gene_id": "auto",
    "sra_study": None,
    "layer": None,
    "estimated": False,
}


def options(server, **changes):
    values = {"timeout_s": 2.0, "retries": 1, "backoff_s": 0.01, "max_wait_s": 0.1, **changes}
    return DownloadOptions(**{"mirrors": server.mirrors, **values})


def run(work, how, study=STUDY, organism="human", **counts):
    section = {**COUNTS, **counts}
    folder = work / "resources"
    fetch.fetch_metadata(study.accession, organism=organism, counts=section, folder=folder,
                           options=how, out=work / "metadata.json")  # fmt: skip
    return fetch.fetch_counts(work / "metadata.json", counts=section, folder=folder,
                                options=how, out=work / "source.json")  # fmt: skip


def frame(study=STUDY, index=None):
    return pd.DataFrame(study.counts, index=index or study.gene_ids, columns=study.gsms)


def suppl(study, **files):
    base = f"{study.series_path}/suppl"
    soft = {study.soft_path: pack(study.soft())}
    return {**soft, **{f"{base}/{name}": body for name, body in files.items()}}


# -- ncbi --------------------------------------------------------------------------------------


def test_ncbi_counts_come_as_published(tmp_path):
    with serve(STUDY.files()) as server:
        manifest = run(tmp_path, options(server), source="ncbi")
    table = sources.read_counts(tmp_path / "source.json")
    pd.testing.assert_frame_equal(table.counts, frame(), check_names=False)
    assert table.gene_id_kind == "entrez"
    assert table.symbols["1003"] == "SYM1"
    assert manifest.passed_over == {}
    rows = input_rows(tmp_path / "source.json")
    INPUTS.validate(rows)
    assert rows["source"].tolist() == ["geo", "ncbi", "ncbi"]
    metadata = sources.sample_metadata(tmp_path / "source.json")
    assert metadata["treatment"].tolist() == ["vehicle", "drug"] * 3


def test_a_missing_annotation_is_no_obstacle(tmp_path):
    files = STUDY.files()
    del files[STUDY.annotation_path]
    with serve(files) as server:
        run(tmp_path, options(server), source="ncbi")
    assert sources.read_counts(tmp_path / "source.json").symbols is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (STUDY.counts_text().replace("GSM9000002", "GSM9000001", 1), "two columns"),
        (STUDY.counts_text().replace("\n1003\t", "\n1000\t", 1), "two rows"),
        (STUDY.counts_text().replace("\n1003\t", "\n1003\t-", 1), "negative"),
        (STUDY.counts_text().replace("\n1003\t", "\n1003\tx", 1), "not a number"),
        (STUDY.counts_text().replace("\n1003\t", "\nTP53\t", 1), "not a number"),
        (STUDY.counts_text().replace("GeneID", "Gene", 1), "header"),
        (STUDY.counts_text().rsplit("\t", 2)[0] + "\n", "5 cells where most have 7"),
        (
            STUDY.counts_text().replace("\n", "\t7\n").replace("\t7\n", "\n", 1),
            "one cell more than the header",
        ),
        ("\n".join(STUDY.counts_text().split("\n")[:300]) + "\n", "is short"),
        (STUDY.counts_text().split("\n")[0] + "\n", "no table: it has no header and rows"),
        (STUDY.counts_text(np.round(STUDY.tpm())), "a million"),
    ],
)
def test_wrong_ncbi_tables_are_named(tmp_path, text, what):
    files = {**STUDY.files(), STUDY.counts_path: pack(text)}
    with serve(files) as server, pytest.raises(InputError, match=what):
        run(tmp_path, options(server), source="ncbi")
    assert not (tmp_path / "resources" / Path(STUDY.counts_path).name).exists()
    assert not (tmp_path / "source.json").exists()


def test_fewer_samples_than_the_series_is_logged(tmp_path, caplog):
    part = Study(n_samples=4)
    files = {**STUDY.files(), STUDY.counts_path: pack(part.counts_text())}
    with serve(files) as server:
        run(tmp_path, options(server), source="ncbi")
    assert "no column for 2 samples: GSM9000005, GSM9000006" in caplog.text
    assert sources.read_counts(tmp_path / "source.json").counts.shape[1] == 4


def test_mouse_from_recount3(tmp_path):
    mouse = replace(STUDY, organism="Mus musculus")
    with serve(mouse.files() | mouse.recount3("M023")) as server:
        run(tmp_path, options(server), study=mouse, organism="mouse", source="recount3")
        asked = [path for path in server.requests if "gene_sums" in path]
    assert asked == [f"/{path}" for path in mouse.recount3("M023") if "M023" in path]
    table = sources.read_counts(tmp_path / "source.json")
    assert table.counts.index[0].startswith("ENSMUSG")
    assert table.counts.shape == (400, 6)


def test_mouse(tmp_path):
    mouse = replace(STUDY, organism="Mus musculus")
    with serve(mouse.files()) as server:
        run(tmp_path, options(server), study=mouse, organism="mouse", source="ncbi")
        assert sources.read_counts(tmp_path / "source.json").counts.shape == (400, 6)
        with pytest.raises(ConfigError, match="are Mus musculus, not Homo sapiens"):
            run(tmp_path / "b", options(server), study=mouse, source="ncbi")


# -- the choice --------------------------------------------------------------------------------


def test_auto_falls_through_as_each_source_is_taken_away(tmp_path):
    text = frame(index=STUDY.ensembl_ids).to_csv(sep="\t")
    files = {**STUDY.files(), f"{STUDY.series_path}/suppl/GSE90001_raw_counts.txt.gz": pack(text)}
    chosen = []
    with serve(files) as server:
        for step in range(4):
            if step == 1:
                del server.files[STUDY.counts_path]
            if step == 2:
                server.files = {n: b for n, b in server.files.items() if DUFFEL not in n}
            if step == 3:
                server.files = {n: b for n, b in server.files.items() if "suppl" not in n}
                with pytest.raises(InputError, match="no source has raw counts") as caught:
                    run(tmp_path / "3", options(server))
                break
            work = tmp_path / str(step)
            manifest = run(work, options(server))
            counts = sources.read_counts(work / "source.json").counts
            assert (counts.to_numpy() == STUDY.counts).all()
            chosen.append((manifest.source, list(manifest.passed_over)))
            again = run(work, options(server))
            assert again == manifest
            note = input_rows(work / "source.json").query("source != 'geo'")["note"].iloc[0]
            assert all(f"{name} passed over: " in note for name in manifest.passed_over)
            assert str(server.server_address[1]) not in note
    assert chosen == [
        ("ncbi", []),
        ("recount3", ["ncbi"]),
        ("supplementary", ["ncbi", "recount3"]),
    ]
    for name in fetch.AUTO:
        assert f"{name}: " in caught.value.where


def test_auto_stops_at_a_server_that_fails(tmp_path):
    with serve(STUDY.files()) as server:
        server.faults = [Fault("status", "raw_counts", FOREVER, b"", 503)]
        with pytest.raises(DownloadError, match="status 503"):
            run(tmp_path, options(server))
    assert not (tmp_path / "source.json").exists()


def test_a_choice_once_made_stays(tmp_path):
    files = STUDY.files()
    held = files.pop(STUDY.counts_path)
    with serve(files) as server:
        first = run(tmp_path, options(server))
        server.files[STUDY.counts_path] = held
        assert run(tmp_path, options(server)) == first
        assert run(tmp_path / "new", options(server)).source == "ncbi"
        assert run(tmp_path, options(server, accept_changed_inputs=True)).source == "ncbi"


def test_offline_without_mirrors_uses_what_is_there(tmp_path):
    with serve(STUDY.files()) as server:
        first = run(tmp_path, options(server))
    again = run(tmp_path, DownloadOptions(offline=True))
    assert again == first
    with pytest.raises(NotPresentError, match="offline"):
        run(tmp_path / "none", DownloadOptions(offline=True))


def test_a_file_changed_after_the_fetch_is_not_read(tmp_path):
    with serve(STUDY.files()) as server:
        run(tmp_path, options(server))
    path = tmp_path / "resources" / Path(STUDY.counts_path).name
    path.write_bytes(pack(STUDY.counts_text() + "9999\t1\t1\t1\t1\t1\t1\n"))
    with pytest.raises(InputError, match="was changed"):
        sources.read_counts(tmp_path / "source.json")
    path.unlink()
    with pytest.raises(InputError, match="is gone"):
        sources.read_counts(tmp_path / "source.json")


# -- kind --------------------------------------------------------------------------------------


def marker(column="kind", kind="simulated", host=f"{WWW}/"):
    path = STUDY.counts_path.removeprefix(f"{WWW}/")
    return (
        f"file\twhat\t{column}\tsource\tlicence\tsha256\n{host}{path}\tmade up\t{kind}\ts\tMIT\t\n"
    )


@pytest.mark.parametrize("column", ["kind", "real_simulated_or_reconstructed"])
@pytest.mark.parametrize("over", ["http", "file"])
def test_kind_comes_from_the_mirrors_marker_and_stays(tmp_path, column, over):
    files = {**STUDY.files(), "ORIGIN.tsv": marker(column).encode()}
    with serve(files) as server:
        how = options(server)
        if over == "file":
            for name, body in files.items():
                (tmp_path / "m" / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "m" / name).write_bytes(body)
            base = (tmp_path / "m").as_uri()
            how = replace(how, mirrors={h: f"{base}/{h}" for h in server.mirrors})
        run(tmp_path, how, source="ncbi")
        kinds = input_rows(tmp_path / "source.json").set_index("source")["kind"]
        assert kinds["ncbi"].tolist() == ["simulated", "real"]
        # Mirrors, lock and marker gone: what is on disk is still not called real.
        (tmp_path / "resources" / "inputs.lock.tsv").unlink()
        run(tmp_path, DownloadOptions(offline=True), source="ncbi")
    kinds = input_rows(tmp_path / "source.json").set_index("source")["kind"]
    assert kinds["ncbi"].tolist() == ["simulated", "real"]


def test_kind_where_the_mirror_is_one_host(tmp_path):
    files = {**STUDY.files(), f"{WWW}/ORIGIN.tsv": marker(host="").encode()}
    with serve(files) as server:
        run(tmp_path, options(server), source="ncbi")
    rows = input_rows(tmp_path / "source.json")
    assert rows["kind"].tolist() == ["real", "simulated", "real"]


def test_a_mirror_without_marker_is_said(tmp_path):
    with serve(STUDY.files()) as server:
        run(tmp_path, options(server), source="ncbi")
    rows = input_rows(tmp_path / "source.json")
    assert rows["note"].str.contains("a mirror that has no ORIGIN.tsv").all()


def test_a_marker_that_cannot_be_read_stops(tmp_path):
    with serve({**STUDY.files(), "ORIGIN.tsv": b"<html>busy</html>"}) as server:
        with pytest.raises(InputError, match="marker"):
            run(tmp_path, options(server), source="ncbi")
        server.faults = [Fault("status", "ORIGIN", FOREVER, b"", 503)]
        with pytest.raises(DownloadError, match="503"):
            run(tmp_path, options(server), source="ncbi")


# -- file --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.tsv", "x.csv", "x.tsv.gz", "x.h5ad"])
def test_file_source_needs_no_network_and_no_metadata(tmp_path, name):
    path = tmp_path / name
    data = frame(index=STUDY.ensembl_ids)
    if name.endswith("h5ad"):
        ad.AnnData(data.T.astype(np.int64)).write_h5ad(path)
    else:
        data.to_csv(path, sep="," if "csv" in name else "\t")
    how = DownloadOptions(offline=True)
    study = replace(STUDY, accession="mine")
    run(tmp_path, how, study=study, source="file", file=str(path))
    table = sources.read_counts(tmp_path / "source.json")
    assert (table.counts.to_numpy() == STUDY.counts).all()
    assert list(table.counts.columns) == STUDY.gsms
    assert sources.sample_metadata(tmp_path / "source.json") is None
    row = input_rows(tmp_path / "source.json").iloc[0]
    assert (row["source"], row["kind"], row["url"]) == ("file", "real", None)
    assert not (tmp_path / "resources").exists()


def test_file_source_with_marker_and_metadata(tmp_path):
    frame().to_csv(tmp_path / "x.tsv", sep="\t")
    soft = tmp_path / "x.soft.gz"
    soft.write_bytes(pack(STUDY.soft()))
    (tmp_path / "ORIGIN.tsv").write_text("file\twhat\tkind\tsha256\nx.tsv\tcounts\tembedded\t-\n")
    run(tmp_path, DownloadOptions(offline=True), source="file", file=str(tmp_path / "x.tsv"),
        metadata=str(soft))  # fmt: skip
    rows = input_rows(tmp_path / "source.json")
    assert rows["kind"].tolist() == ["real", "embedded"]
    assert rows["source"].tolist() == ["file", "embedded"]
    assert len(sources.sample_metadata(tmp_path / "source.json")) == 6


def test_file_source_with_repeated_columns_is_refused(tmp_path):
    (tmp_path / "x.tsv").write_text("gene\ta\ta\nx\t1\t2\n")
    with pytest.raises(InputError, match="same name"):
        run(tmp_path, DownloadOptions(), source="file", file=str(tmp_path / "x.tsv"))


# -- recount3 ----------------------------------------------------------------------------------


def test_recount3_scales_rounds_and_adds_runs(tmp_path):
    with serve(STUDY.files()) as server:
        manifest = run(tmp_path, options(server), source="recount3")
    table = sources.read_counts(tmp_path / "source.json")
    assert table.gene_id_kind == "ensembl"
    expected = frame(index=STUDY.ensembl_ids)
    pd.testing.assert_frame_equal(table.counts, expected, check_names=False)
    assert "7 runs added up to 6 samples" in manifest.details["notes"]
    assert manifest.details["sra_study"] == "SRP900165"


def test_recount3_rule_on_a_case_done_by_hand():
    """compute_read_counts: round(coverage / average mapped length), half to even."""
    sums = pd.DataFrame({"SRR1": [250, 349, 0], "SRR2": [100, 50, 51]}, index=["a.1", "b.2", "c"])
    sra = pd.DataFrame({"study": "S", "sample_name": ["GSM9000001"] * 2}, index=["SRR1", "SRR2"])
    quality = pd.DataFrame({"star.average_mapped_length": ["100", "100"]}, index=["SRR1", "SRR2"])
    series = geo.Series(
        "GSE1", "", "", (), (), pd.DataFrame({"sra_experiment": [""]}, index=["GSM9000001"]), ()
    )
    table = recount3.read_counts(sums, sra, quality, series, "x")
    assert table.counts["GSM9000001"].tolist() == [2 + 1, 3 + 0, 0 + 1]
    assert table.counts.index.tolist() == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"star\.average_mapped_length"):
        recount3.read_counts(sums, sra, quality.replace("100", ""), series, "x")
    with pytest.raises(InputError, match="no coverage sums"):
        recount3.read_counts(sums[["SRR1"]], sra, quality, series, "x")


def test_recount3_takes_g029_where_g026_is_not(tmp_path):
    files = {**STUDY.files(), **STUDY.recount3("G029")}
    files = {name: body for name, body in files.items() if "G026" not in name}
    with serve(files) as server:
        run(tmp_path, options(server), source="recount3")
        server.files.update(STUDY.recount3("G026"))
        assert "G029" in run(tmp_path, options(server), source="recount3").of("counts")[0].file


def test_recount3_of_another_study_is_named(tmp_path):
    other = Study(project="SRP900265", first=9100001)
    files = {**STUDY.files(), **other.recount3()}
    lost = Study(first=9100001).recount3()
    lost = {n: pack(gzip.decompress(b).replace(b"SRX8", b"SRX9")) for n, b in lost.items()}
    with serve({**files, **lost}) as server:
        with pytest.raises(InputError, match="none of the runs is a sample of GSE90001"):
            run(tmp_path, options(server), source="recount3")
        with pytest.raises(NotPresentError):
            run(tmp_path / "b", options(server), source="recount3", sra_study="SRP111111")


# -- supplementary -----------------------------------------------------------------------------


def test_a_matrix_by_titles_with_annotation_columns(tmp_path):
    study = replace(STUDY, title=lambda i: f"Sample {i}, {'drug' if i % 2 else 'vehicle'}")
    data = frame(study, index=study.ensembl_ids)
    data.columns = [f"sample_{i}_{'drug' if i % 2 else 'vehicle'}.bam" for i in range(6)]
    data.insert(0, "gene_name", [f"SYM{i}" for i in range(400)])
    data.insert(1, "Length", 1000)
    data.loc["__no_feature"] = [None, 0, 9, 9, 9, 9, 9, 9]
    text = data.to_csv(sep=",")
    with serve(suppl(study, **{"GSE90001_htseq_counts.csv.gz": pack(text)})) as server:
        manifest = run(tmp_path, options(server), study=study, source="supplementary")
    table = sources.read_counts(tmp_path / "source.json")
    assert (table.counts.to_numpy() == study.counts).all()
    assert list(table.counts.columns) == study.gsms
    assert table.symbols.iloc[3] == "SYM3"
    assert "columns left out: gene_name, Length" in manifest.details["notes"]
    assert "1 summary rows left out" in manifest.details["notes"]


def test_normalised_files_are_refused_with_the_reason(tmp_path):
    tpm = pd.DataFrame(STUDY.tpm(), index=STUDY.ensembl_ids, columns=STUDY.gsms).to_csv(sep="\t")
    files = suppl(
        STUDY,
        **{
            "GSE90001_FPKM.txt.gz": pack(tpm),
            "GSE90001_counts.txt.gz": pack(tpm),
            "GSE90001_table.xlsx": b"PK",
            "GSE90001_peaks.bw": b"x",
        },
    )
    with serve(files) as server, pytest.raises(InputError) as caught:
        run(tmp_path, options(server), source="supplementary")
    line = caught.value.line()
    for reason in (
        "GSE90001_FPKM.txt.gz: its name says normalised",
        "GSE90001_counts.txt.gz: the counts are not integers",
        "GSE90001_table.xlsx: a spreadsheet",
        "GSE90001_peaks.bw: not a text table",
    ):
        assert reason in line
    assert [p.name for p in (tmp_path / "resources").glob("*counts*")] == []


def test_two_different_raw_tables_are_not_guessed_between(tmp_path):
    one = frame(index=STUDY.ensembl_ids).to_csv(sep="\t")
    two = (frame(index=STUDY.ensembl_ids) + 1).to_csv(sep="\t")
    files = suppl(STUDY, **{"a_counts.txt.gz": pack(one), "b_counts.txt.gz": pack(two)})
    with serve(files) as server, pytest.raises(InputError, match="several tables of raw counts"):
        run(tmp_path, options(server), source="supplementary")


def tar(members, types=None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            if types and name in types:
                info.type, info.linkname, info.size = types[name], "/etc/passwd", 0
            archive.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


def member(kind, column, genes=STUDY.ensembl_ids):
    rows = list(zip(genes, column, strict=True))
    if kind == "htseq-count":
        return "".join(f"{g}\t{c}\n" for g, c in rows) + "__no_feature\t5\n__ambiguous\t1\n"
    if kind == "featureCounts":
        head = "# Program:featureCounts v2\nGeneid\tChr\tStart\tEnd\tStrand\tLength\tx.bam\n"
        return head + "".join(f"{g}\t1\t1\t9\t+\t9\t{c}\n" for g, c in rows)
    if kind.startswith("STAR"):
        head = "".join(f"N_{n}\t9\t9\t9\n" for n in ("unmapped", "multimapping", "noFeature"))
        forward = {"STAR forward": 0.97, "STAR reverse": 0.03, "STAR unstranded": 0.5}[kind]

        def cells(c):
            if kind == "STAR unstranded":
                return f"{c}\t{c // 2}\t{c - c // 2}"
            weak = c // 30
            return f"{c + weak}\t{c}\t{weak}" if forward > 0.5 else f"{c + weak}\t{weak}\t{c}"

        return head + "".join(f"{g}\t{cells(c)}\n" for g, c in rows)
    if kind == "RSEM":
        head = "gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM\n"
        return head + "".join(f"{g}\tt\t9\t9\t{c + 0.25}\t1\t1\n" for g, c in rows)
    if kind == "salmon":
        head = "Name\tLength\tEffectiveLength\tTPM\tNumReads\n"
        return head + "".join(f"{g}\t9\t9\t1\t{max(c - 0.25, 0)}\n" for g, c in rows)
    return "gene\tcount\n" + "".join(f"{g}\t{c}\n" for g, c in rows)


ENDINGS = {
    "htseq-count": "htseq.txt.gz", "featureCounts": "counts.txt.gz",
    "STAR forward": "ReadsPerGene.out.tab.gz", "STAR reverse": "ReadsPerGene.out.tab.gz",
    "STAR unstranded": "ReadsPerGene.out.tab.gz", "RSEM": "genes.results.gz",
    "salmon": "quant.genes.sf.gz", "gene and count": "raw.tsv",
}  # fmt: skip


@pytest.mark.parametrize("kind", ENDINGS)
def test_raw_tar_of_one_file_per_sample(tmp_path, kind):
    members = {"GSM9000001_track.bw": b"x", "GSM9000002_fpkm.txt": b"a\t1.5\n"}
    for i, name in enumerate(STUDY.gsms):
        text = member(kind, STUDY.counts[:, i])
        path = f"{name}_s{i}_{ENDINGS[kind]}"
        members[path] = pack(text) if path.endswith(".gz") else text.encode()
    with serve(suppl(STUDY, **{"GSE90001_RAW.tar": tar(members)})) as server:
        manifest = run(tmp_path, options(server), source="supplementary")
    counts = sources.read_counts(tmp_path / "source.json").counts
    assert (counts.to_numpy() == STUDY.counts).all()
    assert list(counts.columns) == STUDY.gsms
    notes = " ".join(manifest.details["notes"])
    assert kind.split(" ")[0] in notes
    if kind.startswith("STAR"):
        assert f"STAR's column for {kind.split(' ')[1]} reads" in notes


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        ("/etc/GSM9000001_counts.txt", None, "absolute path"),
        ("../GSM9000001_counts.txt", None, "leads out of it"),
        ("a/../../GSM9000001_counts.txt", None, "leads out of it"),
        ("GSM9000001_counts.txt", tarfile.SYMTYPE, "link or device"),
        ("GSM9000001_counts.txt", tarfile.LNKTYPE, "link or device"),
        ("GSM9000001_counts.txt", tarfile.CHRTYPE, "link or device"),
    ],
)
def test_unsafe_tar_members_are_refused(tmp_path, name, kind, what):
    body = tar({name: b"a\t1\n"}, {name: kind} if kind else None)
    files = suppl(STUDY, **{"GSE90001_RAW.tar": body})
    with serve(files) as server, pytest.raises(InputError, match=what):
        run(tmp_path, options(server))
    assert [p.name for p in (tmp_path / "resources").glob("*RAW*")] == []


def test_a_damaged_tar_and_another_series_tar_are_named(tmp_path):
    good = tar({f"{name}_counts.txt": b"a\t1\nb\t2\n" for name in STUDY.gsms})
    foreign = tar({f"GSM1{i}_counts.txt": b"a\t1\nb\t2\n" for i in range(3)})
    for body, what in ((good[:700], "damaged"), (foreign, "another series'")):
        files = suppl(STUDY, **{"GSE90001_RAW.tar": body})
        with serve(files) as server, pytest.raises(InputError, match=what):
            run(tmp_path, options(server), source="supplementary")


def test_a_tar_cut_between_members_is_named(tmp_path):
    good = tar({f"{n}_counts.txt": b"a\t1\nb\t2\n" for n in STUDY.gsms})
    cut = good[: 4 * 1024]  # four of six members: a header and a block of data each
    for body, what in ((cut, "cut: it has no end marker"), (good, None)):
        files = suppl(STUDY, **{"GSE90001_RAW.tar": body})
        with serve(files) as server:
            if what is None:
                run(tmp_path, options(server), source="supplementary")
            else:
                with pytest.raises(InputError, match=what):
                    run(tmp_path, options(server), source="supplementary")


def test_samples_of_the_series_without_counts_stop_unless_the_sheet_excludes_them(tmp_path, root):
    panel = [str(root / "resources/panel/readouts.tsv")]
    counts = frame(index=STUDY.ensembl_ids).iloc[:, :4]
    files = suppl(STUDY, **{"GSE90001_counts.txt": counts.to_csv(sep="\t").encode()})
    with serve(files) as server:
        run(tmp_path, options(server), source="supplementary")
    sheet = tmp_path / "samples.tsv"
    kept = "".join(f"{g}\tx\t\t\n" for g in STUDY.gsms[:4])
    head = "sample\tdrug\texclude\texclude_reason\n"

    def assemble():
        assemble_study(
            str(tmp_path / "source.json"), samples=str(sheet), contrasts=str(sheet), panel=panel,
            gene_id="ensembl", counts_out=str(tmp_path / "c.h5ad"),
            inputs_out=str(tmp_path / "i.tsv"),
        )  # fmt: skip

    sheet.write_text(head + kept)
    with pytest.raises(InputError, match="2 of 6 samples of the series have no counts: GSM9"):
        assemble()
    lost = "".join(f"{g}\tx\tyes\tnot in the file\n" for g in STUDY.gsms[4:])
    sheet.write_text(head + kept + lost)
    # These made-up ids are in no panel: the run gets past the samples and stops at the genes.
    with pytest.raises(InputError, match="can be mapped"):
        assemble()


@pytest.mark.slow
def test_lengths_stand_beside_the_counts_and_among_the_inputs(tmp_path, root):
    demo = root / "resources/demo/GSE52778_counts.tsv.gz"
    counts = pd.read_csv(demo, sep="\t", index_col=0)
    lengths = counts.iloc[::-1] * 0.0 + 1500.5
    lengths.iloc[:, 0] = 999.0
    path = tmp_path / "salmon.merged.gene_lengths.tsv"
    lengths.to_csv(path, sep="\t", index_label="gene_id")
    run(tmp_path, DownloadOptions(offline=True), source="file", file=str(demo))
    assemble_study(
        str(tmp_path / "source.json"), samples=str(root / "config/demo/samples.tsv"),
        contrasts=str(root / "config/demo/contrasts.tsv"),
        panel=[str(root / "resources/panel/readouts.tsv")], gene_id="auto", lengths=[str(path)],
        counts_out=str(tmp_path / "c.h5ad"), inputs_out=str(tmp_path / "i.tsv"),
    )  # fmt: skip
    data = read_counts_h5ad(tmp_path / "c.h5ad")
    first = data.obs_names == counts.columns[0]
    assert set(np.unique(data.layers["avg_tx_length"][first])) == {999.0}
    assert set(np.unique(data.layers["avg_tx_length"][~first])) == {1500.5}
    row = read_table(tmp_path / "i.tsv", INPUTS).set_index("source").loc["lengths"]
    assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("GSE1_normal_vs_tumor_counts.txt.gz", False),
        ("GSE1_normoxia_counts.tsv", False),
        ("GSM1_Normal_rep1.counts.txt.gz", False),
        ("GSE1_differentiation_day3_counts.txt", False),
        ("GSE1_twofold_dilution_counts.csv", False),
        ("GSE1_Norman_lab_counts.csv", False),
        ("GSE1_norm_counts.txt", True),
        ("GSE1_normCounts.txt", True),
        ("GSE1_normalised.tsv", True),
        ("GSE1_diff_exp.txt", True),
        ("GSE1_differential_expression.txt", True),
        ("GSE1_fold_change.csv", True),
        ("GSE1_FPKM.txt.gz", True),
        ("GSE1_DEGs.txt", True),
    ],
)
def test_words_in_names_not_parts_of_words_refuse(name, refused):
    assert (name in supplementary.judge_names([name])[1]) == refused


def test_ambiguous_strand_is_refused(tmp_path):
    genes = "".join(f"{g}\t10\t7\t3\n" for g in STUDY.ensembl_ids)
    head = "".join(f"{n}\t1\t1\t1\n" for n in ("N_unmapped", "N_ambiguous"))
    body = tar({f"{n}_ReadsPerGene.out.tab": (head + genes).encode() for n in STUDY.gsms})
    files = suppl(STUDY, **{"GSE90001_RAW.tar": body})
    with serve(files) as server, pytest.raises(InputError, match="do not settle whether"):
        run(tmp_path, options(server), source="supplementary")


def test_names_are_judged():
    tiers, refused = supplementary.judge_names(
        ["GSE1_RAW.tar", "GSE1_raw_counts.tsv.gz", "GSE1_normalized_counts.txt.gz", "filelist.txt",
         "GSE1_DESeq2_results.csv.gz", "GSE1_expression.txt.gz", "GSE1_x.h5"]
    )  # fmt: skip
    assert tiers == [["GSE1_raw_counts.tsv.gz"], ["GSE1_RAW.tar"], ["GSE1_expression.txt.gz"]]
    assert set(refused) == {
        "GSE1_normalized_counts.txt.gz", "GSE1_DESeq2_results.csv.gz", "GSE1_x.h5",
    }  # fmt: skip


def test_suppl_files_named_by_the_series_only(tmp_path):
    """A static mirror without folder listings: the series' own metadata name the files."""
    url = f"ftp://{STUDY.series_path}/suppl/GSE90001_counts.txt.gz"
    study = replace(STUDY, extra=[f"!Series_supplementary_file = {url}"])
    text = frame(index=STUDY.ensembl_ids).to_csv(sep="\t")
    with serve(suppl(study, **{"GSE90001_counts.txt.gz": pack(text)})) as server:
        server.faults = [Fault("status", "/suppl/", 1, b"", 404)]
        manifest = run(tmp_path, options(server), study=study, source="supplementary")
    assert manifest.source == "supplementary"


# -- the real layout ---------------------------------------------------------------------------

MIRROR = ROOT.parent / "shared" / "geo-mirror"


@pytest.mark.slow
@pytest.mark.skipif(not MIRROR.is_dir(), reason="../shared/geo-mirror is not here")
def test_ncbi_and_recount3_of_the_mirror_agree_and_are_marked_simulated(tmp_path):
    how = DownloadOptions(
        offline=True, mirrors={h: f"{MIRROR.as_uri()}/{h}" for h in (FTP, WWW, DUFFEL)}
    )
    study = replace(STUDY, accession="GSE64741")
    run(tmp_path / "n", how, study=study)
    run(tmp_path / "r", how, study=study, source="recount3")
    first = sources.read_counts(tmp_path / "n" / "source.json")
    second = sources.read_counts(tmp_path / "r" / "source.json")
    assert first.counts.shape == (39376, 41)
    assert second.counts.shape == (24687, 41)
    assert list(first.counts.columns) == list(second.counts.columns)
    # Genes that both have: the same library sizes to within what one of them lacks.
    assert (second.counts.sum() / first.counts.sum()).between(0.5, 1.0).all()
    for work in ("n", "r"):
        rows = input_rows(tmp_path / work / "source.json")
        assert "simulated" in rows.loc[rows["source"] != "geo", "kind"].tolist()
        assert (rows["kind"] != "real").all()
    assert (
        json.loads((tmp_path / "n" / "resources" / "choice.json").read_text())["source"] == "ncbi"
    )
