#pragma once

/// All that reads and writes files: link `tapeloop::files`. npz needs libzip where tapeloop is built.
#include <nn/files/checkpoint/carried_state.hpp>
#include <nn/files/checkpoint/checkpoint.hpp>
#include <nn/files/checkpoint/saved_value.hpp>
#include <nn/files/named_arrays.hpp>
#include <nn/files/naming/equinox.hpp>
#include <nn/files/naming/flax.hpp>
#include <nn/files/naming/keras.hpp>
#include <nn/files/naming/pytorch.hpp>
#include <nn/files/npy.hpp>
#include <nn/files/npz/npz.hpp>
#include <nn/files/safetensors.hpp>
#include <nn/files/weights/naming.hpp>
#include <nn/files/weights/weights.hpp>
