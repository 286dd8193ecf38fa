#pragma once

#include <autograd/autograd.hpp>
#include <nn/nn.hpp>

// What the programs of the three frameworks check: the same in each.

inline const tapeloop::Tensor<double> numbers{0.3, -1.2, 0.7};

inline const auto right = [](const auto& v) { return sum(tanh(v) * v); };
/// Its gradient is below the tolerances, of which a check warns.
inline const auto tiny = [](const auto& v) { return 1e-12 * sum(v); };
/// Its rule lacks a factor 2.
inline const auto wrong = tapeloop::custom(
    "my_square", [](const auto& v) { return v * v; },
    [](const auto& g, const auto&, const auto& v) { return g * v; });

inline tapeloop::nn::ElmanCell<double> cell() {
    tapeloop::nn::Generator generator(1);
    return {2, 2, generator};
}
