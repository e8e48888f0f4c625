# Home Assistant's newest beta, or its newest release while that is newer. Sourced by common.sh.
# shellcheck shell=bash

# have_beta NAME FILE…: a virtual environment with it, and with the packages of the requirement files in
# the versions that it pins. Created each time, as betas come out at any time. Sets VENV.
have_beta() {
  local name=$1
  shift
  have_python
  VENV=$CACHE/venvs/$name-beta
  rm -rf "$VENV"
  "$UV" venv --quiet --python "$PYTHON" "$VENV"
  step "packages for $name, with the newest beta" install_beta "$@" ||
    die "The packages could not be installed; the lines above say why."
}

# A pre-release in the requirement allows uv to choose one. Tests need the plugin for their
# Home Assistant, so they run on the newest one with a plugin; betas have some.
install_beta() {
  # shellcheck disable=SC2046 # one word, or none
  "$UV" pip install --python "$VENV/bin/python" 'homeassistant>=2026.7.0b0' \
    $(grep -oh '^pytest-homeassistant-custom-component' "$@")
  beta_pins "$@" >"$VENV/overrides"
  "$UV" pip install --python "$VENV/bin/python" --compile-bytecode --override "$VENV/overrides" "${@/#/-r}"
}

# The installed version, and its pins for its own packages and for those in the files.
beta_pins() {
  "$VENV/bin/python" - "$@" <<'PYTHON'
from importlib.metadata import version
import json
from pathlib import Path
import re
import sys

import homeassistant


def pins(text):
    """Return what a text pins."""
    found = re.findall(r"(?m)^([\w.-]+)==(\S+)$", text)
    return {re.sub(r"[-_.]+", "-", name).lower(): pin for name, pin in found}


core = Path(homeassistant.__file__).parent
named = pins("\n".join(Path(file).read_text() for file in sys.argv[1:]))
result = {}
for manifest in core.glob("components/*/manifest.json"):
    required = pins("\n".join(json.loads(manifest.read_text()).get("requirements", ())))
    result |= {name: pin for name, pin in required.items() if name in named}
result |= pins((core / "package_constraints.txt").read_text())
for name in ("homeassistant", "pytest-homeassistant-custom-component"):
    if name in named:
        result[name] = version(name)
print("\n".join(f"{name}=={pin}" for name, pin in result.items()))
PYTHON
}
