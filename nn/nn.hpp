#pragma once

/// All cells, and what is built around them.
#include <nn/activation.hpp>
#include <nn/cell.hpp>
#include <nn/closed_form/elman.hpp>
#include <nn/cross_check.hpp>
#include <nn/elman_cell.hpp>
#include <nn/generator.hpp>
#include <nn/gru_cell.hpp>
#include <nn/initialisers.hpp>
#include <nn/linear.hpp>
#include <nn/losses.hpp>
#include <nn/lstm_cell.hpp>
#include <nn/state.hpp>
#include <nn/unroll.hpp>
