#pragma once

/// All cells, and what is built around them.
#include <nn/activation.hpp>
#include <nn/any_layer.hpp>
#include <nn/bidirectional.hpp>
#include <nn/cell.hpp>
#include <nn/closed_form/elman.hpp>
#include <nn/cross_check.hpp>
#include <nn/dropout.hpp>
#include <nn/elman_cell.hpp>
#include <nn/generator.hpp>
#include <nn/gru_cell.hpp>
#include <nn/initialisers.hpp>
#include <nn/linear.hpp>
#include <nn/losses.hpp>
#include <nn/lstm_cell.hpp>
#include <nn/recurrent_dropout.hpp>
#include <nn/residual.hpp>
#include <nn/reversed.hpp>
#include <nn/stack.hpp>
#include <nn/state.hpp>
#include <nn/summary.hpp>
#include <nn/training.hpp>
#include <nn/unroll.hpp>
#include <nn/zoneout.hpp>
