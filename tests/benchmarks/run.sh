#!/bin/sh
# Builds the benchmarks and runs training_step with the arguments given, for instance
#     sh tests/benchmarks/run.sh --threads 1 --cell lstm --json results.json
# On Debian it first installs the packages that are missing, with sudo when not root: what the library needs, and the
# peers LibTorch, oneDNN and libxsmm.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build="$root/build/benchmarks"

sh "$root/cmake/install_missing.sh" g++ make cmake \
    libxtensor-dev libxtensor-blas-dev libxsimd-dev libfmt-dev libopenblas-dev libcli11-dev \
    nlohmann-json3-dev libbenchmark-dev libdnnl-dev libtorch-dev libxsmm-dev

cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DTAPELOOP_BENCHMARKS=ON
cmake --build "$build" --target training_step --parallel 2
exec "$build/tests/benchmarks/training_step" "$@"
