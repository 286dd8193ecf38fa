#!/bin/sh
# libraries_test.sh FOLDER WORK
# Builds the study page's third-party libraries again from FOLDER/libraries in WORK, and compares with what FOLDER has.
# Exits with 77, skipped, where npm cannot get them.
set -eu
folder=$1
work=$2

rm -rf "$work"
mkdir -p "$work"
cp -R "$folder/libraries" "$work/libraries"
rm -rf "$work/libraries/node_modules"
(cd "$work/libraries" && npm ci --ignore-scripts --no-audit --no-fund --silent) || exit 77

sh "$work/libraries/build.sh"
cmp "$folder/libraries.js" "$work/libraries.js"
cmp "$folder/libraries.LICENSES.txt" "$work/libraries.LICENSES.txt"
