#!/bin/sh
# Resolve the requirement locks from pyproject.toml. Pins that still fit stay; `--upgrade` moves on.
set -eu
cd -- "$(dirname -- "$0")/.."

if ! uv --version >/dev/null 2>&1; then
    echo "error: uv not found — only uv makes locks for every platform at once — install uv, then run again" >&2
    exit 1
fi

# `--universal`: one lock for every platform. `--fork-strategy fewest`: one version of a package for
# every supported Python, so that results do not depend on which one a machine happens to have.
# No header, annotations or index: a lock is names, versions and hashes.
compile() {
    uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-annotate --no-header "$@"
}

compile "$@" requirements/build.in --output-file requirements/build.txt
compile "$@" pyproject.toml --extra workflow --extra dev --output-file requirements/dev.txt
# What runs the workflow is what the tests ran.
sed -n 's/^\([^ ]*==[^ ]*\( ; .*\)*\) \\$/\1/p' requirements/dev.txt >requirements/.constraints
trap 'rm -f requirements/.constraints' EXIT
compile pyproject.toml --extra workflow --constraint requirements/.constraints \
    --output-file requirements/workflow.txt
compile pyproject.toml --extra workflow --extra dev --extra docs \
    --constraint requirements/.constraints --output-file requirements/docs.txt
