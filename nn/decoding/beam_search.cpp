#include <fmt/format.h>
#include <nn/decoding/beam_search.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

struct Candidate {
    double total;
    Choice choice;
};

/// The more likely one comes first, and among equals the one that `decode_greedy` would take.
bool is_better(const Candidate& a, const Candidate& b) {
    if (a.total != b.total) return a.total > b.total;
    if (a.choice.row != b.choice.row) return a.choice.row < b.choice.row;
    return a.choice.token < b.choice.token;
}

/// The best `room` of the candidates that are offered, as a heap with the worst on top.
class Best {
  public:
    explicit Best(std::size_t room) : room_(room) {}

    void offer(const Candidate& candidate) {
        if (heap_.size() == room_) {
            if (room_ == 0 || !is_better(candidate, heap_.front())) return;
            std::pop_heap(heap_.begin(), heap_.end(), is_better);
            heap_.pop_back();
        }
        heap_.push_back(candidate);
        std::push_heap(heap_.begin(), heap_.end(), is_better);
    }

    void append_to(std::vector<Choice>& choices) {
        std::sort_heap(heap_.begin(), heap_.end(), is_better);
        for (const Candidate& candidate : heap_) choices.push_back(candidate.choice);
    }

  private:
    std::size_t room_;
    std::vector<Candidate> heap_;
};

}  // namespace

void require_beams(const BeamOptions& options) {
    if (options.beams == 0 || !std::isfinite(options.length_power))
        throw std::invalid_argument(
            fmt::format("beam_search: beams is {} and length_power {}; there must be at least one beam, and "
                        "the power be finite",
                        options.beams, options.length_power));
}

template <class T>
std::vector<Choice> best_ways(const Tensor<T>& log_probabilities, const Writing& writing, std::size_t beams) {
    const std::size_t O = log_probabilities.shape()[1];
    std::vector<Choice> choices;
    std::size_t row = 0;
    while (row < writing.open()) {
        const std::size_t source = writing.source(row);
        Best best(beams - writing.ended(source));
        for (; row < writing.open() && writing.source(row) == source; ++row)
            for (std::size_t token = 0; token < O; ++token) {
                const auto added = static_cast<double>(log_probabilities.data()[row * O + token]);
                if (std::isinf(added)) continue;  // a token that the model rules out
                best.offer(
                    {writing.log_probability(row) + added, {row, static_cast<std::ptrdiff_t>(token), added}});
            }
        best.append_to(choices);
    }
    return choices;
}

std::vector<std::vector<Hypothesis>> ranked(std::vector<std::vector<Hypothesis>> sequences,
                                            const BeamOptions& options) {
    for (auto& of_row : sequences) {
        for (Hypothesis& hypothesis : of_row) {
            const std::size_t length =
                std::max<std::size_t>(hypothesis.tokens.size() + (hypothesis.ended ? 1 : 0), 1);
            hypothesis.score =
                hypothesis.log_probability / std::pow(static_cast<double>(length), options.length_power);
        }
        std::stable_sort(of_row.begin(), of_row.end(),
                         [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
    }
    return sequences;
}

template std::vector<Choice> best_ways(const Tensor<float>&, const Writing&, std::size_t);
template std::vector<Choice> best_ways(const Tensor<double>&, const Writing&, std::size_t);

}  // namespace tapeloop::nn::detail
