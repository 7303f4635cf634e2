# Sourced by the other scripts: makes .venv beside this folder and installs a lock into it; nothing goes into the system's Python.
# Use: . scripts/environment.sh; install_lock requirements-train.lock
export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"

stop() {
  echo "$1" >&2
  exit 2
}

find_python() {
  for name in python3 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      command -v "$name"
      return
    fi
  done
  stop "Python 3.11 or newer is missing: install Debian's package python3"
}

install_lock() {
  lock=$1
  python=$(find_python) || exit 2
  "$python" -c 'import venv, ensurepip' 2>/dev/null || stop "Python's venv or pip is missing: install Debian's package python3-venv"
  stamp=.venv/dermiqa-$lock.sha256
  wanted=$(cat "$lock" pyproject.toml | sha256sum | cut -d' ' -f1)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
  echo "installing into .venv (from $lock)"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  [ -x .venv/bin/uv ] || .venv/bin/python -m pip install -q --disable-pip-version-check uv
  export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-300}" UV_LINK_MODE="${UV_LINK_MODE:-copy}" VIRTUAL_ENV="$PWD/.venv"
  .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r "$lock"
  .venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
  echo "$wanted" > "$stamp"
}
