#!/bin/sh
# mcpctl-package IDENTIFIER VERSION scripts|no-scripts [ARGUMENT…]: install a package of PyPI into the home, unless it is
# there already, and become the program of its name. Without scripts only wheels are taken, which run nothing.
set -eu
identifier=$1 version=$2 scripts=$3
shift 3
package=$HOME/package
stamp="$identifier==$version $scripts"
if [ "$(cat "$package/.installed" 2>/dev/null || true)" != "$stamp" ]; then
  rm -rf "$package"
  python3 -m venv "$package"
  only=--only-binary=:all:
  [ "$scripts" = no-scripts ] || only=--prefer-binary
  "$package/bin/pip" install --no-cache-dir --disable-pip-version-check "$only" "$identifier==$version" >&2
  printf '%s' "$stamp" >"$package/.installed"
fi
exec "$package/bin/$identifier" "$@"
