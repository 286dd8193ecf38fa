#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/losses/counting.hpp>
#include <nn/losses/ctc/ctc_alignments.hpp>
#include <nn/sequence/lengths.hpp>

#include <algorithm>
#include <functional>
#include <limits>

/// The forward variables of CTC by recorded operations, all rows of the batch at once; rows with fewer labels
/// have states of no use behind their own, from which no path leads back.
namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

template <class T>
class RecordedLattice {
  public:
    RecordedLattice(const Alignments& alignments, const Var<T>& logits)
        : alignments_(alignments), tape_(logits.tape()), steps_(logits.shape()[0]) {
        for (const auto& states : alignments.states) width_ = std::max(width_, states.size());
        const Var<T> log_p = log_softmax(mask_by_lengths(logits, alignments.lengths), -1);
        emissions_ = unstack(take_along(log_p, classes(), -1));
        nothing_ = constant({alignments.batch(), 1}, [](std::size_t, std::size_t) { return impossible; });
        skips_ = mask([&](std::size_t row, std::size_t s) {
            return s < alignments.states[row].size() && alignments.may_skip(row, s);
        });
    }

    /// [B]; of no use for rows without time steps, whose logits are masked and get no gradient.
    Var<T> losses() const {
        Var<T> alpha =
            where(mask([](std::size_t, std::size_t s) { return s < 2; }), emissions_[0], impossible);
        for (std::size_t t = 1; t < steps_; ++t) alpha = step(t, alpha);
        const Var<T> ends = mask([this](std::size_t row, std::size_t s) {
            const std::size_t own = alignments_.states[row].size();
            return s < own && s + 2 >= own;
        });
        return -logsumexp(where(ends, alpha, impossible), 1);
    }

  private:
    Var<T> step(std::size_t t, const Var<T>& alpha) const {
        const Var<T> one_before = shifted(alpha);
        std::vector<Var<T>> ways{alpha, one_before};
        if (width_ > 2) ways.push_back(where(skips_, shifted(one_before), impossible));
        const Var<T> next = logsumexp(stack(Operands<T>(std::move(ways))), 0) + emissions_[t];
        const auto has_ended = [t](std::size_t length) { return t >= length; };
        if (std::none_of(alignments_.lengths.begin(), alignments_.lengths.end(), has_ended)) return next;
        return where(mask([&](std::size_t row, std::size_t) { return t < alignments_.lengths[row]; }), next,
                     alpha);
    }
    /// Every state's element where the next one's was.
    Var<T> shifted(const Var<T>& alpha) const {
        if (width_ == 1) return nothing_;
        return concatenate({nothing_, slice(alpha, 1, 0, static_cast<std::ptrdiff_t>(width_) - 1)}, 1);
    }

    Indices classes() const {
        std::vector<std::ptrdiff_t> classes;
        for (const auto& states : alignments_.states)
            for (std::size_t s = 0; s < width_; ++s)
                classes.push_back(static_cast<std::ptrdiff_t>(states[s < states.size() ? s : 0]));
        return Indices(classes).reshaped({1, alignments_.batch(), width_});
    }
    Var<T> constant(const Shape& shape, const std::function<double(std::size_t, std::size_t)>& f) const {
        Tensor<T> values = uninitialised<T>(shape);
        for (std::size_t i = 0; i < values.size(); ++i)
            values.data()[i] = static_cast<T>(f(i / shape[1], i % shape[1]));
        return tape_.var(Operand<T>(values).enter(tape_));
    }
    Var<T> mask(const std::function<bool(std::size_t, std::size_t)>& holds) const {
        return constant({alignments_.batch(), width_},
                        [&](std::size_t row, std::size_t s) { return holds(row, s) ? 1.0 : 0.0; });
    }

    const Alignments& alignments_;
    Tape<T>& tape_;
    std::size_t steps_;
    std::size_t width_ = 1;
    std::vector<Var<T>> emissions_;  ///< log probabilities of the states at each time step, [B, width]
    Var<T> nothing_;                 ///< [B, 1]
    Var<T> skips_;
};

}  // namespace

template <class T>
Var<T> ctc_slope(const Alignments& alignments, const Var<T>& g, const Var<T>& logits) {
    // A node of its own, from which the sweep below starts.
    const Var<T> start = reshape(logits, logits.shape());
    if (logits.shape().size() == 0) return start;
    const Var<T> losses = RecordedLattice<T>(alignments, start).losses();
    return gradient_graph(std::vector<GradientGraphRoot<T>>{{losses, g}}, {start})[start];
}

template Var<float> ctc_slope(const Alignments&, const Var<float>&, const Var<float>&);
template Var<double> ctc_slope(const Alignments&, const Var<double>&, const Var<double>&);

}  // namespace tapeloop::nn::detail
