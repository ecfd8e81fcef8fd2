#!/bin/sh
# Run a command inside the project's environment, setting .venv up first where it is needed.
#
#   sh tools/env.sh workflow snakemake --version     what it takes to run the workflow
#   sh tools/env.sh dev pytest                       the same plus tests and linters
#
# PYTHON=… names the Python to build .venv with, UV= (empty) keeps uv out of it.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
group=$1
shift

# Containers and batch systems start jobs without a usable HOME. Everything here that keeps a cache
# (pip, uv, Snakemake, matplotlib, numba, fontconfig) looks under HOME, so a folder of the project
# stands in for it.
if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
    HOME=$root/.cache/home
    mkdir -p "$HOME"
    unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME
    export HOME
fi

# Packages of another Python must not leak in.
unset PYTHONPATH PYTHONHOME __PYVENV_LAUNCHER__
export PYTHONNOUSERSITE=1
# Nothing here opens a window.
export MPLBACKEND=Agg
# A make that the command starts is not a part of the one that started this.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CORES ARGS

fits='import sys; sys.exit(not (sys.implementation.name == "cpython" and (3, 11) <= sys.version_info[:2]%s))'
tested=$(printf "$fits" ' <= (3, 13)')
newer=$(printf "$fits" '')

find_python() {
    for check in "$tested" "$newer"; do
        for name in python3 python3.13 python3.12 python3.11 python; do
            if "$name" -c "$check" >/dev/null 2>&1; then
                command -v "$name"
                return
            fi
        done
        # uv may have brought a Python of its own; `find` takes what is there and downloads none.
        if [ -n "${UV-uv}" ] && found=$("${UV-uv}" python find --no-project --no-python-downloads '>=3.11,<3.14' 2>/dev/null); then
            echo "$found"
            return
        fi
    done
    return 1
}

if [ -z "${PYTHON:-}" ]; then
    if ! PYTHON=$(find_python); then
        echo "error: no Python 3.11 or newer — looked for python3, python3.13, python3.12, python3.11 and python on PATH — install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=/path/to/python3.12 …" >&2
        exit 1
    fi
elif ! "$PYTHON" -c "$newer" >/dev/null 2>&1; then
    echo "error: not a Python 3.11 or newer — PYTHON=$PYTHON — name Python 3.11, 3.12 or 3.13" >&2
    exit 1
fi

VIRTUAL_ENV=$("$PYTHON" "$root/tools/environment.py" "$group")
PATH=$VIRTUAL_ENV/bin:$PATH
export VIRTUAL_ENV PATH
cd -- "$root"
exec "$@"
