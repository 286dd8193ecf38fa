#!/bin/sh
# install_missing.sh PACKAGE...
# Installs those of the Debian packages that are missing and says which. When none is, it does nothing and needs no
# network.
set -eu

if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian system: going on with what is installed. Needed are the equivalents of: $*"
    exit 0
fi

missing=""
for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing:$missing. Without sudo, ask the administrator to run: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "Installing from the distribution's packages:$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086  # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
