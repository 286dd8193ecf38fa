#!/bin/sh
# Builds the library, the examples and the tests, and runs the tests. On Debian it first installs the packages that are
# missing, with sudo when not root; and into build/node what two tests run with Node, if there is Node.
set -eu
cd "$(dirname "$0")/.."

sh cmake/install_missing.sh g++ lld make cmake \
    libxtensor-dev libxtensor-blas-dev libxsimd-dev libfmt-dev libopenblas-dev libdnnl-dev \
    libcli11-dev libutfcpp-dev nlohmann-json3-dev pkg-config libzip-dev libonnx-dev libprotobuf-dev libopenmpi-dev openmpi-bin \
    doctest-dev libgtest-dev catch2 gnuplot-nox graphviz doxygen chromium chromium-driver python3-selenium python3-numpy

sh tests/node/install.sh

cmake --preset release
cmake --build --preset release --parallel 2
ctest --preset release
