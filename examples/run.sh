#!/bin/sh
# run.sh [FILE] [flags of char_rnn, see --help]
# Builds the character-level language model and trains it on FILE, any UTF-8 text; without FILE, on this library's own
# sources and documentation. On Debian it first installs the packages that are missing, with sudo when not root.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build="$root/build/examples"

sh "$root/cmake/install_missing.sh" g++ make cmake \
    libxtensor-dev libxtensor-blas-dev libxsimd-dev libfmt-dev libopenblas-dev libdnnl-dev \
    libcli11-dev libutfcpp-dev nlohmann-json3-dev

echo "Building char_rnn in $build"
cmake --log-level=NOTICE -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON \
    -DTAPELOOP_EXAMPLES=ON
cmake --build "$build" --target char_rnn --parallel "$(getconf _NPROCESSORS_ONLN)"

# What char_rnn reads when no FILE is among the arguments. Two runs at once may make it.
CHAR_RNN_FILE="$build/own_sources.txt"
export CHAR_RNN_FILE
(
    cd "$root"
    find autograd nn optim ./*.md -name '*.[hc]pp' -o -name '*.md' | LC_ALL=C sort | xargs cat
) >"$CHAR_RNN_FILE.$$"
mv "$CHAR_RNN_FILE.$$" "$CHAR_RNN_FILE"

# Where the loss curve goes, the page that shows the first batch through time, and the checkpoint from which --resume and
# --sample-from go on, unless --output, --study and --checkpoint say otherwise.
CHAR_RNN_OUTPUT=${CHAR_RNN_OUTPUT-"$build"}
CHAR_RNN_STUDY=${CHAR_RNN_STUDY-"$build/char_rnn_study.html"}
CHAR_RNN_CHECKPOINT=${CHAR_RNN_CHECKPOINT-"$build/char_rnn.safetensors"}
export CHAR_RNN_OUTPUT CHAR_RNN_STUDY CHAR_RNN_CHECKPOINT

# shellcheck disable=SC2086  # a list of words: how run_mpi.sh starts several of it
exec ${CHAR_RNN_LAUNCHER-} "$build/examples/char_rnn" "$@"
