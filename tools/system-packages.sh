#!/bin/sh
# Installs what the tests need beside Python, on Debian and its kin: a real PostgreSQL, a real
# Chromium, Node.js with npm. Elsewhere it says what is missing.
set -eu
missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need:$missing. Install them with your package manager." >&2
    exit 1
fi
run=""
[ "$(id -u)" = 0 ] || run="sudo"
echo "Installing for the tests:$missing"
$run apt-get update -qq
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq $missing >/dev/null
