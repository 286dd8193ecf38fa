#!/bin/sh
# Installs the packages of package.json into build/node with npm, if they are not there yet. Where there is no Node, or they
# cannot be had, it says so and goes on: the tests that need them are left out.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "Node or npm is missing: the tests against onnxruntime and TensorFlow.js are left out"
    exit 0
fi
mkdir -p build/node
if cmp -s tests/node/package.json build/node/installed.json; then
    exit 0
fi
cp tests/node/package.json build/node/package.json
# Without the scripts of packages, one of which fetches what graphics cards need.
if timeout 300 npm install --prefix build/node --ignore-scripts --no-package-lock --no-audit --no-fund; then
    cp build/node/package.json build/node/installed.json
else
    echo "npm could not install them: the tests against onnxruntime and TensorFlow.js are left out"
fi
