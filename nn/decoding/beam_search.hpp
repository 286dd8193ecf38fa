#pragma once

#include <nn/decoding/decoding.hpp>

namespace tapeloop::nn {

/// Options of `beam_search`.
struct BeamOptions {
    /// The number of sequences that are followed for each row of the batch; 1 is `decode_greedy`.
    std::size_t beams = 4;
    /// The power of the length by which a log-probability is divided to make the score: 0 favours short
    /// sequences, 1 is the mean per token. The length counts the end token.
    double length_power = 0;
};

namespace detail {

/// Throws unless there is at least one beam and the power is a number.
void require_beams(const BeamOptions& options);
/// The best ways on for each row of the batch, as many as it has beams that have not ended.
template <class T>
std::vector<Choice> best_ways(const Tensor<T>& log_probabilities, const Writing& writing, std::size_t beams);
/// Scores hypotheses and sorts them, best first.
std::vector<std::vector<Hypothesis>> ranked(std::vector<std::vector<Hypothesis>> sequences,
                                            const BeamOptions& options);

}  // namespace detail

/// Returns for each row of the state the most likely sequences that a beam search finds, at most `beams`,
/// best first (Sutskever, Vinyals and Le 2014, arXiv:1409.3215, section 3.2): of all ways to go on from the
/// sequences in the beam the best ones stay; one that ends leaves it, and the beam has one place less. Throws
/// as `decode_greedy`, and when there is no beam.
template <class Step, class S>
requires DecodingStep<Step, S> std::vector<std::vector<Hypothesis>> beam_search(
    const Step& step, const S& state, const DecodingLimits& limits, const BeamOptions& options = {}) {
    detail::require_beams(options);
    const auto choose = [&](const auto& log_probabilities, const detail::Writing& writing) {
        return detail::best_ways(log_probabilities, writing, options.beams);
    };
    return detail::ranked(detail::decode("beam_search", step, state, limits, choose), options);
}

}  // namespace tapeloop::nn
