#pragma once

#include <nn/decoding/decoding.hpp>

namespace tapeloop::nn {

class Generator;

/// Options of `sample`.
struct SamplingOptions {
    /// The divisor of the logits: below 1 the likely tokens become likelier, and 0 is `decode_greedy`.
    double temperature = 1;
    /// Draw among this many most likely tokens only; 0 among all.
    std::size_t top_k = 0;
};

namespace detail {

/// Throws unless the temperature is finite and not negative.
void require_temperature(const SamplingOptions& options);
/// One drawn token for each row.
template <class T>
std::vector<Choice> drawn(const Tensor<T>& log_probabilities, const SamplingOptions& options,
                          Generator& generator);

}  // namespace detail

/// Returns for each row of the state a sequence whose tokens are drawn, with one number of the generator for
/// each token. Its log-probability is the model's, whatever the temperature. Throws as `decode_greedy`, and
/// for a temperature that is negative or not finite.
template <class Step, class S>
requires DecodingStep<Step, S> std::vector<Hypothesis> sample(const Step& step, const S& state,
                                                              const DecodingLimits& limits,
                                                              Generator& generator,
                                                              const SamplingOptions& options = {}) {
    detail::require_temperature(options);
    const auto choose = [&](const auto& log_probabilities, const detail::Writing&) {
        return detail::drawn(log_probabilities, options, generator);
    };
    return detail::single(detail::decode("sample", step, state, limits, choose));
}

}  // namespace tapeloop::nn
