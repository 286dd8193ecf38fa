#pragma once

/// All losses.
#include <nn/losses/classes.hpp>
#include <nn/losses/cross_entropy.hpp>
#include <nn/losses/ctc/ctc_loss.hpp>
#include <nn/losses/nll_loss.hpp>
#include <nn/losses/reduction.hpp>
#include <nn/losses/regression.hpp>
#include <nn/losses/sigmoid_cross_entropy.hpp>
