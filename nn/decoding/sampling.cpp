#include <fmt/format.h>
#include <nn/decoding/sampling.hpp>
#include <nn/generator.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

/// The tokens that may be drawn, the most likely first if there is a limit.
template <class T>
void choose_among(std::vector<std::size_t>& tokens, std::span<const T> log_probabilities, std::size_t top_k) {
    tokens.resize(log_probabilities.size());
    std::iota(tokens.begin(), tokens.end(), 0U);
    if (top_k == 0 || top_k >= tokens.size()) return;
    const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(top_k);
    std::partial_sort(tokens.begin(), end, tokens.end(), [&](std::size_t a, std::size_t b) {
        return log_probabilities[a] != log_probabilities[b] ? log_probabilities[a] > log_probabilities[b]
                                                            : a < b;
    });
    tokens.erase(end, tokens.end());
}

}  // namespace

void require_temperature(const SamplingOptions& options) {
    if (!(options.temperature >= 0) || std::isinf(options.temperature))
        throw std::invalid_argument(fmt::format(
            "sample: temperature is {}; it must be finite and not negative", options.temperature));
}

template <class T>
std::vector<Choice> drawn(const Tensor<T>& log_probabilities, const SamplingOptions& options,
                          Generator& generator) {
    if (options.temperature == 0) return most_likely(log_probabilities);
    const std::size_t O = log_probabilities.shape()[1];
    std::vector<Choice> choices;
    std::vector<std::size_t> tokens;
    std::vector<double> sums;
    for (std::size_t row = 0; row < log_probabilities.shape()[0]; ++row) {
        const std::span<const T> from(log_probabilities.data() + row * O, O);
        choose_among(tokens, from, options.top_k);
        const auto largest = static_cast<double>(*std::max_element(from.begin(), from.end()));
        sums.clear();
        double sum = 0;
        for (std::size_t token : tokens) {
            const double below = static_cast<double>(from[token]) - largest;
            sums.push_back(sum += below == 0 ? 1 : std::exp(below / options.temperature));
        }
        // The first whose sum is above the drawn one has a share that is not 0.
        const auto place = std::upper_bound(sums.begin(), sums.end() - 1, generator.uniform() * sum);
        const std::size_t token = tokens[static_cast<std::size_t>(place - sums.begin())];
        choices.push_back({row, static_cast<std::ptrdiff_t>(token), static_cast<double>(from[token])});
    }
    return choices;
}

template std::vector<Choice> drawn(const Tensor<float>&, const SamplingOptions&, Generator&);
template std::vector<Choice> drawn(const Tensor<double>&, const SamplingOptions&, Generator&);

}  // namespace tapeloop::nn::detail
