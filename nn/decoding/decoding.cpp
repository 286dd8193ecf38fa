#include <fmt/format.h>
#include <autograd/ops/reduce.hpp>
#include <nn/decoding/decoding.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

Writing::Writing(std::string_view name, std::size_t batch, const DecodingLimits& limits)
    : name_(name), limits_(limits), ended_(batch) {
    for (std::size_t row = 0; row < batch; ++row) open_.push_back({row, nothing, 0});
}

Indices Writing::tokens() const {
    std::vector<std::ptrdiff_t> tokens;
    tokens.reserve(open_.size());
    for (const Open& sequence : open_)
        tokens.push_back(sequence.last == nothing ? limits_.start : written_[sequence.last].token);
    return Indices(tokens);
}

std::vector<std::size_t> Writing::extend(const std::vector<Choice>& choices) {
    std::vector<Open> open;
    std::vector<std::size_t> rows;
    for (const Choice& choice : choices) {
        Open sequence = open_[choice.row];
        sequence.log_probability += choice.log_probability;
        if (choice.token == limits_.end) {
            ended_[sequence.source].push_back(read(sequence, true));
            continue;
        }
        written_.push_back({choice.token, sequence.last});
        sequence.last = written_.size() - 1;
        open.push_back(sequence);
        rows.push_back(choice.row);
    }
    open_ = std::move(open);
    ++time_step_;
    return rows;
}

Hypothesis Writing::read(const Open& sequence, bool ended) const {
    Hypothesis hypothesis{{}, sequence.log_probability, sequence.log_probability, ended};
    for (std::size_t at = sequence.last; at != nothing; at = written_[at].before)
        hypothesis.tokens.push_back(written_[at].token);
    std::reverse(hypothesis.tokens.begin(), hypothesis.tokens.end());
    return hypothesis;
}

std::vector<std::vector<Hypothesis>> Writing::finish() {
    for (const Open& sequence : open_) ended_[sequence.source].push_back(read(sequence, false));
    open_.clear();
    return std::move(ended_);
}

void Writing::require_logits(const Shape& logits) const {
    if (logits.rank() != 2 || logits[0] != open())
        throw std::invalid_argument(
            fmt::format("{}: the step's logits are {} for {} tokens; they must be [{}, O]", name_,
                        logits.text(), open(), open()));
    if (limits_.end.has_value() && (*limits_.end < 0 || static_cast<std::size_t>(*limits_.end) >= logits[1]))
        throw std::invalid_argument(
            fmt::format("{}: the end token is {}; logits are {}, so it must be in 0..{}", name_, *limits_.end,
                        logits.text(), static_cast<std::ptrdiff_t>(logits[1]) - 1));
}

template <class T>
void Writing::require_numbers(const Tensor<T>& logits) const {
    const std::size_t O = logits.shape()[1];
    for (std::size_t row = 0; row < open(); ++row) {
        const T* from = logits.data() + row * O;
        const T largest = O == 0 ? T(0) : *std::max_element(from, from + O);
        const bool any_nan = std::any_of(from, from + O, [](T logit) { return std::isnan(logit); });
        if (O == 0 || any_nan || !std::isfinite(largest))
            throw std::invalid_argument(
                fmt::format("{}: the logits of row {} at t={} have no finite largest one to choose", name_,
                            source(row), time_step_));
    }
}

template <class T>
Parameter<T> rows_of(const Var<T>& part, const std::vector<std::size_t>& rows) {
    const Shape shape = part.shape().with(0, rows.size());
    const std::size_t width = part.shape()[0] == 0 ? 0 : part.shape().size() / part.shape()[0];
    Tensor<T> taken = uninitialised<T>(shape);
    for (std::size_t i = 0; i < rows.size(); ++i)
        std::copy_n(part.array().data() + rows[i] * width, width, taken.data() + i * width);
    return Parameter<T>("", std::move(taken));
}

void fail_rows(std::string_view name, std::string_view what, const Shape& part, std::size_t rows) {
    if (part.rank() == 0)
        throw std::invalid_argument(fmt::format(
            "{}: {} has a part without axes, or no part; every part must be [rows, ..]", name, what));
    throw std::invalid_argument(fmt::format("{}: {} has a part {} where others, or the tokens, have {} rows",
                                            name, what, part.text(), rows));
}

template <class T>
Tensor<T> log_probabilities(const Writing& writing, const Var<T>& logits) {
    writing.require_logits(logits.shape());
    writing.require_numbers(logits.value());
    Tensor<T> values = log_softmax(logits).value();
    return values;
}

std::vector<Hypothesis> single(std::vector<std::vector<Hypothesis>> sequences) {
    std::vector<Hypothesis> only;
    only.reserve(sequences.size());
    for (auto& of_row : sequences) only.push_back(std::move(of_row.front()));
    return only;
}

template <class T>
std::vector<Choice> most_likely(const Tensor<T>& log_probabilities) {
    const std::size_t O = log_probabilities.shape()[1];
    std::vector<Choice> choices;
    for (std::size_t row = 0; row < log_probabilities.shape()[0]; ++row) {
        const T* from = log_probabilities.data() + row * O;
        const T* best = std::max_element(from, from + O);
        choices.push_back({row, best - from, static_cast<double>(*best)});
    }
    return choices;
}

#define TAPELOOP_DECODING(T)                                                       \
    template void Writing::require_numbers(const Tensor<T>&) const;                \
    template Parameter<T> rows_of(const Var<T>&, const std::vector<std::size_t>&); \
    template Tensor<T> log_probabilities(const Writing&, const Var<T>&);           \
    template std::vector<Choice> most_likely(const Tensor<T>&);

TAPELOOP_DECODING(float)
TAPELOOP_DECODING(double)

#undef TAPELOOP_DECODING

}  // namespace tapeloop::nn::detail
