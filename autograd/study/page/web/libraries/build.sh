#!/bin/sh
# Makes ../libraries.js and ../libraries.LICENSES.txt from the versions in package-lock.json. Needs npm and, for the
# first run, the network; the same lockfile makes the same bytes.
set -eu
cd "$(dirname "$0")"

npm ci --ignore-scripts --no-audit --no-fund --silent
npx --no-install esbuild entry.js --bundle --minify --format=iife --global-name=Libraries --target=es2020 \
    --legal-comments=none --charset=ascii --log-level=warning --outfile=../libraries.js
node licenses.mjs > ../libraries.LICENSES.txt
