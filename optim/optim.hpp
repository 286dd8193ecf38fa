#pragma once

/// All optimizers, and what they do with gradients before a step.
#include <optim/adam.hpp>
#include <optim/clip_by_norm.hpp>
#include <optim/sgd.hpp>
