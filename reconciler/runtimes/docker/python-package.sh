#!/bin/sh
# mcpctl-package install IDENTIFIER VERSION scripts|no-scripts -: install a package of PyPI into the home, unless it is
# there already. Without scripts only wheels are taken, which run nothing.
# mcpctl-package run IDENTIFIER [ARGUMENT…]: become the program of its name.
# mcpctl-package start …: both, the arguments of `install` first.
set -eu
package=$HOME/package

install() {
  identifier=$1 version=$2 scripts=$3
  stamp="$identifier==$version $scripts"
  if [ "$(cat "$package/.installed" 2>/dev/null || true)" != "$stamp" ]; then
    rm -rf "$package"
    python3 -m venv "$package"
    only=--only-binary=:all:
    [ "$scripts" = no-scripts ] || only=--prefer-binary
    # What is temporary is kept in memory, which is short.
    mkdir -p "$package/tmp"
    TMPDIR=$package/tmp "$package/bin/pip" install --no-cache-dir --disable-pip-version-check "$only" "$identifier==$version" >&2
    rm -rf "$package/tmp"
    printf '%s' "$stamp" >"$package/.installed"
  fi
}

run() {
  identifier=$1
  shift
  exec "$package/bin/$identifier" "$@"
}

start() {
  install "$1" "$2" "$3" "$4"
  shift 4
  run "$identifier" "$@"
}

"$@"
