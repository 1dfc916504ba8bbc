#!/bin/sh
# mcpctl-package install IDENTIFIER VERSION scripts|no-scripts LOCK: install an npm package into the home, unless it is
# there already. LOCK is the SHA-256 of the reviewed lock, which lies in /tmp, or `-`: exactly what it says is installed.
# mcpctl-package run IDENTIFIER [ARGUMENT…]: become its server.
# mcpctl-package start …: both, the arguments of `install` first.
set -eu
package=$HOME/package

install() {
  identifier=$1 version=$2 scripts=$3 reviewed=$4
  lock=/tmp/mcpctl-package-lock.json
  stamp="$identifier@$version $scripts $reviewed"
  if [ "$(cat "$package/.installed" 2>/dev/null || true)" != "$stamp" ]; then
    rm -rf "$package"
    mkdir -p "$package"
    cd "$package"
    # What is temporary is kept in memory, which is short.
    export npm_config_cache="$package/.npm" npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
    printf '{"name":"mcpctl-server","private":true,"dependencies":{"%s":"%s"}}\n' "$identifier" "$version" >package.json
    flags=--ignore-scripts=true
    [ "$scripts" = no-scripts ] || flags=--ignore-scripts=false
    if [ "$reviewed" = - ]; then
      npm install --omit=dev "$flags" >&2
    else
      cp "$lock" package-lock.json
      if [ "$(sha256sum <package-lock.json | cut -c1-64)" != "$reviewed" ]; then
        echo "the lock in $lock is not the one that was reviewed" >&2
        exit 1
      fi
      npm ci --omit=dev "$flags" >&2
    fi
    rm -rf "$package/.npm"
    printf '%s' "$stamp" >.installed
  fi
}

run() {
  identifier=$1
  shift
  cd "$HOME"
  # The package's only program, or the one that is named like it.
  entry=$(node -e '
    const { join } = require("node:path");
    const [, root, identifier] = process.argv;
    const folder = join(root, "node_modules", identifier);
    const { bin = {} } = require(join(folder, "package.json"));
    const named = bin[identifier.slice(identifier.indexOf("/") + 1)];
    const files = typeof bin === "string" ? [bin] : named ? [named] : Object.values(bin);
    if (files.length === 1) console.log(join(folder, files[0]));
    else console.error(`${identifier} declares no program, or several and none named like it`);
  ' "$package" "$identifier")
  [ -n "$entry" ] || exit 1
  exec node "$entry" "$@"
}

start() {
  install "$1" "$2" "$3" "$4"
  shift 4
  run "$identifier" "$@"
}

"$@"
