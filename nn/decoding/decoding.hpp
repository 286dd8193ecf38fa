#pragma once

#include <autograd/ops/index.hpp>
#include <nn/sequence/state.hpp>

#include <concepts>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

/// Decoding: a model writes a sequence, each token chosen from what it makes of those before. It works with
/// any model that has a step,
///
///     step(const Indices& tokens, const State& state) -> std::pair{logits, state}
///
/// where tokens are [R], logits [R, O], and every part of the states is [R, ..]. R is the number of rows that
/// are still written to: the batch B of the given state, fewer when some have ended, more when a search
/// follows several. `nn::Decoder` is such a step.
///
/// Nothing is recorded. Each step runs on a tape of its own, from which only its state is kept, so the memory
/// does not grow with the length; besides its arguments a step may use parameters and numbers, but no `Var`
/// of another tape.
namespace tapeloop::nn {

/// Options that say where a sequence starts and ends.
struct DecodingLimits {
    /// The token that the first step reads.
    std::ptrdiff_t start = 0;
    /// The token that ends a sequence; without one all are written to their full length.
    std::optional<std::ptrdiff_t> end = std::nullopt;
    /// The most tokens that are written, the end included.
    std::size_t max_length = 100;
};

/// A sequence that was written.
struct Hypothesis {
    std::vector<std::ptrdiff_t> tokens;  ///< without start and end
    double log_probability = 0;          ///< the sum over all tokens, the end included
    double score = 0;                    ///< what a search ranks by; else the log-probability
    bool ended = false;                  ///< by the end token, not by `max_length`
};

/// A function that makes a decoder's step: (tokens [B], state) gives the logits [B, O] and the next state.
template <class Step, class S>
concept DecodingStep = detail::has_value<S> &&
    requires(const Step& step, const Indices& tokens, const S& state) {
    { step(tokens, state).first } -> std::convertible_to<Var<typename detail::StateValue<S>::type>>;
    { step(tokens, state).second } -> std::convertible_to<S>;
};

namespace detail {

/// One way on: a token behind the sequence of an open row.
struct Choice {
    std::size_t row;
    std::ptrdiff_t token;
    double log_probability;
};

/// The sequences while they are written.
class Writing {
  public:
    Writing(std::string_view name, std::size_t batch, const DecodingLimits& limits);

    std::string_view name() const { return name_; }
    /// The sequences that have not ended, in the order of the state's rows.
    std::size_t open() const { return open_.size(); }
    /// Returns the row of the batch that an open sequence belongs to.
    std::size_t source(std::size_t row) const { return open_[row].source; }
    double log_probability(std::size_t row) const { return open_[row].log_probability; }
    std::size_t batch() const { return ended_.size(); }
    /// Returns the number of a batch row's sequences that have ended.
    std::size_t ended(std::size_t source) const { return ended_[source].size(); }

    bool goes_on() const { return !open_.empty() && time_step_ < limits_.max_length; }
    /// Returns the tokens that the next step reads.
    Indices tokens() const;
    /// Takes one step's choices, in the order of their sources; those of a row that none names are dropped.
    /// Returns for each sequence that stays open the row that it came from.
    std::vector<std::size_t> extend(const std::vector<Choice>& choices);
    /// All sequences of each row of the batch.
    std::vector<std::vector<Hypothesis>> finish();

    /// Throws unless the logits are [open, O], and O holds the end token.
    void require_logits(const Shape& logits) const;
    /// Throws when a row of log-probabilities has none to choose.
    template <class T>
    void require_numbers(const Tensor<T>& logits) const;

  private:
    static constexpr std::size_t nothing = std::numeric_limits<std::size_t>::max();
    /// A token, and where the one before it stands: sequences with the same beginning share it.
    struct Written {
        std::ptrdiff_t token;
        std::size_t before;
    };
    struct Open {
        std::size_t source;
        std::size_t last;
        double log_probability;
    };
    Hypothesis read(const Open& sequence, bool ended) const;

    std::string_view name_;
    DecodingLimits limits_;
    std::size_t time_step_ = 0;
    std::vector<Written> written_;
    std::vector<Open> open_;
    std::vector<std::vector<Hypothesis>> ended_;
};

/// Keeps rows of a part of a state as a parameter: that enters a tape without being copied.
template <class T>
Parameter<T> rows_of(const Var<T>& part, const std::vector<std::size_t>& rows);

[[noreturn]] void fail_rows(std::string_view name, std::string_view what, const Shape& part,
                            std::size_t rows);

/// A state between two steps, on no tape.
template <class S>
class KeptState {
    using T = typename StateValue<S>::type;

  public:
    KeptState(std::string_view name, const S& state) : name_(name), state_(state) {
        for_each_part([&](const Var<T>& part) { add(part); }, state);
        if (parts_.empty()) fail_rows(name_, "the state", {}, 0);
    }

    std::size_t rows() const { return rows_; }

    /// Returns the state on the current tape.
    const S& resume() {
        auto next = parts_.begin();
        state_ = map_state([&](const Var<T>&) { return input(*next++); }, state_);
        return state_;
    }

    /// The chosen rows of the state that a step has made of the one that was resumed.
    void take(const S& next, const std::vector<std::size_t>& rows) {
        bool all = rows.size() == rows_;
        for (std::size_t i = 0; all && i < rows.size(); ++i) all = rows[i] == i;
        auto part = parts_.begin();
        for_each_part(
            [&](const Var<T>& after, const Var<T>& before) {
                if (after.shape().rank() == 0 || after.shape()[0] != rows_)
                    fail_rows(name_, "the step's state", after.shape(), rows_);
                if (!all || !after.is(before)) *part = rows_of(after, rows);
                ++part;
            },
            next, state_);
        rows_ = rows.size();
    }

  private:
    void add(const Var<T>& part) {
        const Shape& shape = part.shape();
        if (shape.rank() == 0 || (!parts_.empty() && shape[0] != rows_))
            fail_rows(name_, "the state", shape, rows_);
        rows_ = shape[0];
        parts_.emplace_back("", part.value());
    }

    std::string_view name_;
    S state_;
    std::vector<Parameter<T>> parts_;
    std::size_t rows_ = 0;
};

/// log softmax of the logits of a step, checked.
template <class T>
Tensor<T> log_probabilities(const Writing& writing, const Var<T>& logits);

/// The loop of all kinds of decoding: `choose(log-probabilities [open, O], writing)` gives the choices.
template <class Step, class S, class Choose>
std::vector<std::vector<Hypothesis>> decode(std::string_view name, const Step& step, const S& state,
                                            const DecodingLimits& limits, const Choose& choose) {
    using T = typename StateValue<S>::type;
    KeptState<S> kept(name, state);
    Writing writing(name, kept.rows(), limits);
    while (writing.goes_on()) {
        const Tape<T> tape;
        const Paused<T> paused;
        const auto result = step(writing.tokens(), kept.resume());
        const Tensor<T> choosable = log_probabilities<T>(writing, result.first);
        kept.take(result.second, writing.extend(choose(choosable, writing)));
    }
    return writing.finish();
}

/// The only sequence of each row.
std::vector<Hypothesis> single(std::vector<std::vector<Hypothesis>> sequences);

template <class T>
std::vector<Choice> most_likely(const Tensor<T>& log_probabilities);

}  // namespace detail

/// Returns for each row of the state the sequence that takes the most likely token every time, the first of
/// several. Throws `std::invalid_argument` when the parts of the state, or of what a step returns, have not
/// the same number of rows, the end token is not among the logits, or a row of logits has no finite largest
/// one.
template <class Step, class S>
requires DecodingStep<Step, S> std::vector<Hypothesis> decode_greedy(const Step& step, const S& state,
                                                                     const DecodingLimits& limits) {
    return detail::single(detail::decode("decode_greedy", step, state, limits,
                                         [](const auto& log_probabilities, const detail::Writing&) {
                                             return detail::most_likely(log_probabilities);
                                         }));
}

}  // namespace tapeloop::nn
