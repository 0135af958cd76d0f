#!/bin/sh
# environment.sh FOLDER ARGUMENTS: make a virtual environment where there is none, and install into it what the arguments
# of `pip install` name. By uv, which is fetched where it is missing, it takes seconds; where uv can't, pip does it.
set -e
folder=$1
shift
"${PYTHON:=python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3"
    exit 1
}
[ -x "$folder/bin/python" ] || "$PYTHON" -m venv "$folder" || {
    echo "The venv module is missing: on Debian, apt-get install python3-venv"
    exit 1
}
pip() {
    "$folder/bin/python" -m pip "$@" --quiet --disable-pip-version-check --root-user-action=ignore
}
uv=$(command -v uv || ls .venv/bin/uv 2>/dev/null) || { pip install uv && uv=$folder/bin/uv; } || uv=
[ -n "$uv" ] && "$uv" pip install --quiet --python "$folder/bin/python" "$@" || {
    pip install --upgrade pip
    pip install "$@"
}
