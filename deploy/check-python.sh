#!/bin/sh
# Says in one line why PYTHON can't make the environment, if it can't.
set -u
python=${1:-python3}

if ! command -v "$python" >/dev/null; then
  echo "$python is not there: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)," \
    "or name another: make PYTHON=python3.12 …" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "$("$python" --version) is too old: Touchline needs 3.11; name another: make PYTHON=python3.12 …" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "$python can't make environments: the Debian package python3-venv is missing (apt-get install python3-venv)" >&2
  exit 1
fi
