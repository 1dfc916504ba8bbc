#!/bin/sh
# mcpctl-package IDENTIFIER VERSION scripts|no-scripts [ARGUMENT…]: install an npm package into the home, unless it is
# there already, and become its server. With $HOME/package-lock.json, exactly what that says is installed.
set -eu
identifier=$1 version=$2 scripts=$3
shift 3
export npm_config_cache="${TMPDIR:-/tmp}/npm" npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
lock=$HOME/package-lock.json
stamp="$identifier@$version $scripts $([ ! -f "$lock" ] || cksum <"$lock")"
package=$HOME/package
if [ "$(cat "$package/.installed" 2>/dev/null || true)" != "$stamp" ]; then
  rm -rf "$package"
  mkdir -p "$package"
  cd "$package"
  printf '{"name":"mcpctl-server","private":true,"dependencies":{"%s":"%s"}}\n' "$identifier" "$version" >package.json
  flags=--ignore-scripts=true
  [ "$scripts" = no-scripts ] || flags=--ignore-scripts=false
  if [ -f "$lock" ]; then
    cp "$lock" package-lock.json
    npm ci --omit=dev "$flags" >&2
  else
    npm install --omit=dev "$flags" >&2
  fi
  printf '%s' "$stamp" >.installed
fi
cd "$HOME"
exec npm exec --offline --prefix "$package" -- "$identifier" "$@"
