#!/bin/sh
# Compares the sources that the playground's library was made of with those of the checkout given.
set -eu
folder=autograd/study/page/web/playground
cd "$1"
test "$(wc -l < $folder/library.sources)" -gt 100
if changed=$(sha256sum --check --quiet $folder/library.sources 2> /dev/null); then exit 0; fi
echo "$folder/library.js is older than its sources: run $folder/build.sh, which takes emscripten. Changed since then:"
echo "$changed"
exit 1
