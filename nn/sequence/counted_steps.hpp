#pragma once

#include <autograd/ops/index.hpp>
#include <nn/sequence/unrolled.hpp>

#include <vector>

namespace tapeloop::nn::detail {

/// The time steps of a padded or masked batch that count. They are computed with side by side, [N, ..], one
/// time step behind the other, and what does not count is left out: it can spoil neither a value nor a
/// gradient, whatever a layer makes of it. Where the lengths are a slot, which must not change the graph, all
/// of the T B are computed with, and what a step makes that does not count is dropped.
class CountedSteps {
  public:
    /// Finds the steps that count of sequences [T, B, ..]; lengths and mask of the options must fit.
    CountedSteps(const UnrollOptions& options, std::size_t time_steps, std::size_t batch);

    /// Returns whether every step of every row counts.
    bool all() const { return all_; }
    /// Returns N, the number of steps that count.
    std::size_t count() const { return places_.size(); }
    /// The rows that time step t counts for, in order.
    const std::vector<std::size_t>& rows(std::size_t t) const { return rows_[t]; }

    /// 1 where a step counts and 0 elsewhere, [T, B] and `axes` more of extent 1.
    template <class T>
    Var<T> counting(std::size_t axes, const CallSite& site) const;
    /// Returns that by time steps, [B] each, where the lengths are a slot: rows take a step that does not
    /// count for them too, and keep their state. None otherwise.
    template <class T>
    std::vector<Var<T>> kept_by(const CallSite& site) const;
    /// Packs [T, B, ..] into [N, ..].
    Var<float> packed(const Operand<float>& x) const;
    Var<double> packed(const Operand<double>& x) const;
    /// Cuts [N, ..] by time steps, [rows(t), ..] each, in x's memory.
    std::vector<Var<float>> by_time(const Operand<float>& packed) const;
    std::vector<Var<double>> by_time(const Operand<double>& packed) const;
    /// Spreads parts that make [N, ..] together over [T, B, ..]. Behind the end of a row come zeros; a masked
    /// step repeats the one that was read before it.
    Var<float> spread(std::vector<Var<float>> parts, const CallSite& site) const;
    Var<double> spread(std::vector<Var<double>> parts, const CallSite& site) const;

  private:
    template <class T>
    Var<T> packed_rows(const Operand<T>& x) const;
    template <class T>
    std::vector<Var<T>> parts_by_time(const Operand<T>& packed) const;
    template <class T>
    Var<T> spread_rows(std::vector<Var<T>> parts, const CallSite& site) const;

    std::size_t time_steps_;
    std::size_t batch_;
    bool all_ = true;
    Lengths slot_;  ///< if the lengths are one: all steps are computed, and what does not count is masked
    std::vector<std::vector<std::size_t>> rows_;  ///< by time step
    std::vector<std::size_t> places_;             ///< of each that counts among the T B
    std::vector<std::size_t> sources_;            ///< which of the N each of the T B shows; N is zeros
};

/// x [T, B, ..] with nothing of what does not count: zeros behind the end of a row, and at a masked step the
/// one that was read before it. x itself when all counts.
Var<float> without_uncounted(const Operand<float>& x, const UnrollOptions& options);
Var<double> without_uncounted(const Operand<double>& x, const UnrollOptions& options);

[[noreturn]] void fail_without_batch(const Shape& part, std::size_t batch, const CallSite& site);

/// The state of a batch of whose rows only some take a time step. Each row's state lies where its last step
/// left it; rows that step together are gathered when they begin to, and then handed from step to step.
template <class T>
class RowStates {
  public:
    using Parts = std::vector<Var<T>>;

    /// A part is gathered by rows if `batched` says so; the others are the same for all.
    RowStates(Parts initial, std::vector<bool> batched, std::size_t batch, const CallSite& site);

    /// The state of these rows, which are to step next.
    const Parts& of(const std::vector<std::size_t>& rows);
    /// Takes what the parts have become; where `counts` [B] is given and 0, a row keeps what it had. Throws
    /// `std::invalid_argument` when a part without a batch has changed.
    void take(Parts next, const Var<T>* counts = nullptr);
    /// The state of the whole batch, from which the next step goes on: that of rows which do not step is
    /// handed on.
    const Parts& settle();
    /// The state of the whole batch.
    Parts all() const;

  private:
    struct Home {
        std::size_t piece;
        std::size_t place;
    };
    Var<T> gathered(std::size_t part, const std::vector<std::size_t>& rows) const;

    std::vector<Parts> pieces_;  ///< the last is that of the rows that step
    std::vector<Home> homes_;    ///< where each row's state lies
    std::vector<std::size_t> stepping_;
    std::vector<bool> batched_;
    std::vector<bool> changed_;  ///< parts that a step has changed
    std::size_t batch_;
    CallSite site_;
};

extern template class RowStates<float>;
extern template class RowStates<double>;

}  // namespace tapeloop::nn::detail
