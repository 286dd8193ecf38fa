#!/bin/sh
# run_mpi.sh [FILE] [flags of char_rnn, see --help]
# As run.sh, on RANKS processes of this machine, two unless it is set: they share each batch, and learn what one would. On
# several machines `mpirun` of your cluster starts the same program; see optim/mpi/README.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

sh "$root/cmake/install_missing.sh" libopenmpi-dev openmpi-bin

# Open MPI wants to be asked before it starts as root, and before it starts more ranks than there are cores.
if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none

CHAR_RNN_LAUNCHER="mpirun -n ${RANKS:-2}"
export CHAR_RNN_LAUNCHER
exec sh "$root/examples/run.sh" "$@"
