# Shared by the other scripts: paths and required packages.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${EQUIWATT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/equiwatt-ha}
cd "$ROOT"
export PYTHONPATH=$ROOT
# Set in containers, where each of our many processes would compile all its imports.
unset PYTHONDONTWRITEBYTECODE
. "$ROOT/scripts/python.sh"
. "$ROOT/scripts/beta.sh"

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# A task with a line of its own: its name and duration, and its output if it fails.
step() {
  local what=$1 began=$SECONDS log
  shift
  log=$(mktemp)
  printf '  %s … ' "$what" >&2
  if "$@" >"$log" 2>&1; then
    say "$((SECONDS - began)) s"
  else
    say "failed"
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# have_venv NAME FILE…: sets VENV to an environment with the pinned packages, renewed with Python or a pin.
have_venv() {
  local name=$1 stamp
  shift
  have_python
  VENV=$CACHE/venvs/$name
  stamp=$("$PYTHON" --version; echo "$PYTHON"; cat "$@")
  if [[ -x $VENV/bin/python && $(cat "$VENV/stamp" 2>/dev/null) == "$stamp" ]]; then return; fi
  rm -rf "$VENV"
  "$UV" venv --quiet --python "$PYTHON" "$VENV"
  step "packages for $name (a few minutes the first time)" install_packages "$@" ||
    die "The packages could not be installed; the lines above say why."
  echo "$stamp" >"$VENV/stamp"
}

install_packages() {
  local arguments=() file
  for file in "$@"; do arguments+=(-r "$file"); done
  "$UV" pip install --python "$VENV/bin/python" --compile-bytecode "${arguments[@]}"
}

# have_browser: adds the frontend and a browser's driver to VENV, if there is a Chromium for the tests.
have_browser() {
  if [[ ! $(type -P chromium chromium-browser google-chrome google-chrome-stable) ]]; then
    say "  There is no Chromium: the tests in a browser are left out."
    return
  fi
  add_packages browser "$(pages_pin) $(grep '^playwright==' requirements_pictures.txt)"
}

# have_databases: adds to VENV the drivers of the database servers that this machine has, likewise.
have_databases() {
  local pins=()
  [[ $(type -P mariadbd) ]] && pins+=("$(grep '^PyMySQL==' requirements_databases.txt)")
  [[ $(type -P postgres) ]] && pins+=("$(grep '^psycopg2-binary==' requirements_databases.txt)")
  [[ ${pins[*]} ]] || say "  There is neither MariaDB nor PostgreSQL: the tests with them are left out."
  add_packages databases "${pins[*]}"
}

# add_packages NAME PINS: installs further packages into VENV, unless they are installed.
add_packages() {
  [[ ! $2 || $(cat "$VENV/stamp-$1" 2>/dev/null) == "$2" ]] && return
  # shellcheck disable=SC2086 # several words
  step "packages for the tests with $1" "$UV" pip install --python "$VENV/bin/python" --compile-bytecode $2 ||
    die "The packages could not be installed; the lines above say why."
  echo "$2" >"$VENV/stamp-$1"
}

pages_pin() {
  "$VENV/bin/python" - <<'PYTHON'
import json
from pathlib import Path

import homeassistant

manifest = Path(homeassistant.__file__).parent / "components" / "frontend" / "manifest.json"
(pin,) = json.loads(manifest.read_text())["requirements"]
print(pin)
PYTHON
}

# The version of the Home Assistant in VENV.
ha_version() {
  basename "$VENV"/lib/python*/site-packages/homeassistant-*.dist-info .dist-info | cut -d - -f 2
}
