#pragma once

/// All optimizers, what they do with gradients before a step, and what gives them their learning rates.
#include <optim/adadelta.hpp>
#include <optim/adagrad.hpp>
#include <optim/adam.hpp>
#include <optim/adamax.hpp>
#include <optim/adamw.hpp>
#include <optim/clip_by_norm.hpp>
#include <optim/clip_by_value.hpp>
#include <optim/lion.hpp>
#include <optim/nadam.hpp>
#include <optim/optimizer.hpp>
#include <optim/reduce_on_plateau.hpp>
#include <optim/rmsprop.hpp>
#include <optim/schedule.hpp>
#include <optim/sgd.hpp>
#include <optim/weight_average.hpp>
