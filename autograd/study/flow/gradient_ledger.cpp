#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <autograd/kernels/norm.hpp>
#include <autograd/kernels/rows.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>

#include <algorithm>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

namespace tapeloop {

using namespace detail;

namespace {

/// A tensor to measure parts of it by. Everything is scaled, so that squares of tiny and of huge elements
/// stay in range.
class Whole {
  public:
    explicit Whole(const Tensor<double>& whole) : scale_(largest_magnitude(whole)), scaled_(whole) {
        if (scale_ == 0) return;
        for (double& element : scaled_) element /= scale_;
        for (double element : scaled_) squares_ += element * element;
    }

    /// Returns the share that a part of this norm makes along it.
    double share_of(const Tensor<double>& part, double norm) const {
        if (!(norm > 0) || scale_ == 0) return norm == 0 || scale_ == 0 ? 0 : norm;
        const double along = dot_of_rows(part.data(), scaled_.data(), part.size());
        // A sum of products leaves the range where the part is tiny or huge.
        if (norm > 1e-200 && norm < 1e200) return along / squares_ / scale_;
        Tensor<double> unit = part;
        for (double& element : unit) element /= norm;
        return dot_of_rows(unit.data(), scaled_.data(), unit.size()) / squares_ * (norm / scale_);
    }

  private:
    double scale_;
    Tensor<double> scaled_;
    double squares_ = 0;
};

/// The losses as roots of sweeps, with their time steps.
template <class T>
struct TimedRoots {
    std::vector<GradientRoot<T>> roots;
    std::vector<std::size_t> steps;
    /// The sum of all losses.
    std::vector<GradientRoot<T>> all;
};

template <class T>
Tensor<T> filled(const Shape& shape, T value) {
    Tensor<T> result = uninitialised<T>(shape);
    result.fill(value);
    return result;
}

template <class T>
TimedRoots<T> roots_of(const Var<T>& losses) {
    const Shape& shape = losses.shape();
    if (shape.rank() == 0 || shape.size() == 0)
        throw std::invalid_argument(
            fmt::format("gradient_ledger: losses is {}; its first axis must be time, and it must not be "
                        "empty: take the losses before they are summed, as with Reduction::none",
                        shape.text()));
    TimedRoots<T> timed;
    const std::size_t each = shape.size() / shape[0];
    for (std::size_t t = 0; t < shape[0]; ++t) {
        GradientRoot<T> root{losses, filled(shape, T(0))};
        std::fill_n(root.cotangent.data() + t * each, each, T(1));
        timed.roots.push_back(std::move(root));
        timed.steps.push_back(t);
    }
    timed.all = {{losses, filled(shape, T(1))}};
    return timed;
}

template <class T>
TimedRoots<T> roots_of(const std::vector<Var<T>>& losses) {
    if (losses.empty()) throw std::invalid_argument("gradient_ledger: no losses given");
    TimedRoots<T> timed;
    std::set<std::size_t> labelled;
    for (const Var<T>& loss : losses) {
        if (&loss.tape() != &losses.front().tape())
            throw std::logic_error("gradient_ledger: the losses lie on different tapes");
        timed.roots.push_back({loss, filled(loss.shape(), T(1))});
        const auto step = loss.tape().time_step(loss.index());
        if (step.has_value() && labelled.insert(*step).second) timed.steps.push_back(*step);
    }
    if (timed.steps.size() != losses.size()) {
        timed.steps.resize(losses.size());
        std::iota(timed.steps.begin(), timed.steps.end(), std::size_t(0));
    }
    timed.all = timed.roots;
    return timed;
}

/// Notes how far the sum is off. Where entries cancel, their sum is as inexact as the largest of them.
void note_deviation(GradientLedger& ledger, Tensor<double> sum, double largest_entry) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum.data()[i] -= ledger.gradient.data()[i];
    const double largest = detail::largest_magnitude(sum);
    ledger.deviation =
        largest == 0 ? 0 : largest / std::max(largest_entry, detail::largest_magnitude(ledger.gradient));
}

template <class T>
GradientLedger keep(const TimedRoots<T>& timed, const Parameter<T>& parameter, const LedgerOptions& options) {
    const ParameterUses<T> uses(timed.roots.front().value.tape(), parameter);
    if (uses.list().empty())
        throw std::invalid_argument(
            fmt::format("gradient_ledger: parameter '{}' is no input of any operation on the losses' tape",
                        parameter.name()));
    GradientLedger ledger;
    ledger.parameter = parameter.name();
    ledger.losses = timed.steps;
    ledger.uses = uses.list();
    ledger.gradient = detail::as_double(gradient(timed.all, {parameter}).at(0));
    const std::size_t columns = ledger.uses.size();
    ledger.norms = zeros<double>({timed.roots.size(), columns});
    ledger.shares = zeros<double>({timed.roots.size(), columns});
    if (options.keep_entries) ledger.entries.resize(timed.roots.size() * columns);

    const Whole whole(ledger.gradient);
    Tensor<double> sum = zeros<double>(parameter.shape());
    double largest_entry = 0;
    for (std::size_t t = 0; t < timed.roots.size(); ++t) {
        auto summands = uses.summands({timed.roots[t]});
        for (std::size_t k = 0; k < columns; ++k) {
            if (!summands[k].has_value()) continue;
            Tensor<double>& entry = *summands[k];
            ledger.norms(t, k) = detail::norm_of(entry);
            ledger.shares(t, k) = whole.share_of(entry, ledger.norms(t, k));
            // No element is larger than the norm, and most entries are small beside another.
            if (!(ledger.norms(t, k) <= largest_entry))
                largest_entry = std::max(largest_entry, detail::largest_magnitude(entry));
            add_row(sum.data(), entry.data(), 1, sum.size());
            if (options.keep_entries) ledger.entries[t * columns + k] = std::move(entry);
        }
    }
    note_deviation(ledger, std::move(sum), largest_entry);
    return ledger;
}

}  // namespace

GradientLedger gradient_ledger(const Var<float>& losses, const Parameter<float>& parameter,
                               const LedgerOptions& options) {
    return keep(roots_of(losses), parameter, options);
}
GradientLedger gradient_ledger(const Var<double>& losses, const Parameter<double>& parameter,
                               const LedgerOptions& options) {
    return keep(roots_of(losses), parameter, options);
}
GradientLedger gradient_ledger(const std::vector<Var<float>>& losses, const Parameter<float>& parameter,
                               const LedgerOptions& options) {
    return keep(roots_of(losses), parameter, options);
}
GradientLedger gradient_ledger(const std::vector<Var<double>>& losses, const Parameter<double>& parameter,
                               const LedgerOptions& options) {
    return keep(roots_of(losses), parameter, options);
}

}  // namespace tapeloop
