#include <autograd/kernels/pass.hpp>
#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/array_functions.hpp>
#include <nn/losses/ctc/ctc_alignments.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

double log_add(double a, double b, double c) {
    const double largest = std::max({a, b, c});
    if (largest == impossible) return a + b + c;  // a NaN among them stays
    return largest + std::log(std::exp(a - largest) + std::exp(b - largest) + std::exp(c - largest));
}

/// softmax of the logits and its logarithm, the latter one element at a time. The largest logit of each row
/// is subtracted first.
template <class T>
struct Softmax {
    Array<T> below_largest;  ///< [T B, C]
    Array<T> e;              ///< e^ of it
    Array<T> total;          ///< [T B, 1]
    Array<T> log_total;

    explicit Softmax(const Array<T>& logits) {
        const Array<T> rows = logits.as_matrix();
        if (rows.size() == 0) return;
        const Buffer<T> largest(rows.shape().with(1, 1));
        max_into(rows, largest.shape(), largest.data());
        below_largest = rows - largest;
        e = exp(below_largest);
        const Buffer<T> sums(largest.shape());
        sum_into(e, sums.shape(), {sums.data(), false});
        total = sums;
        log_total = log(total);
    }
    double log_p(std::size_t place, std::size_t c) const {
        return static_cast<double>(below_largest.data()[place * e.shape()[1] + c]) -
               static_cast<double>(log_total.data()[place]);
    }
};

/// The forward and backward variables of one row, in logarithms and in double whatever the logits are: over
/// many time steps sums of floats would lose the digits that tell alignments apart.
template <class T>
class Lattice {
  public:
    Lattice(const Alignments& alignments, const Softmax<T>& softmax, std::size_t row)
        : alignments_(alignments),
          softmax_(softmax),
          row_(row),
          states_(alignments.states[row]),
          steps_(alignments.lengths[row]) {
        if (steps_ == 0) {
            log_p_ = states_.size() == 1 ? 0 : impossible;
            return;
        }
        alpha_.resize(steps_ * width());
        for (std::size_t s = 0; s < width(); ++s) alpha_[s] = s < 2 ? log_p(0, s) : impossible;
        for (std::size_t t = 1; t < steps_; ++t) step(t);
        const double* last = &alpha_[(steps_ - 1) * width()];
        log_p_ = log_add(last[width() - 1], width() > 1 ? last[width() - 2] : impossible, impossible);
    }

    /// log of the probability of the labels.
    double log_probability() const { return log_p_; }

    /// Calls `f(t, s, p)` with the probability of being in state s at time t, given the labels.
    template <class F>
    void each_occupancy(const F& f) {
        std::vector<double> beta(width(), impossible);  // of what comes after t
        std::vector<double> next(width());
        for (std::size_t t = steps_; t-- > 0;) {
            for (std::size_t s = 0; s < width(); ++s) {
                if (t + 1 == steps_)
                    beta[s] = s + 2 >= width() ? 0 : impossible;
                else
                    beta[s] = log_add(next[s], s + 1 < width() ? next[s + 1] : impossible,
                                      s + 2 < width() && skips(s + 2) ? next[s + 2] : impossible);
                f(t, s, std::exp(alpha_[t * width() + s] + beta[s] - log_p_));
            }
            for (std::size_t s = 0; s < width(); ++s) next[s] = beta[s] + log_p(t, s);
        }
    }

  private:
    std::size_t width() const { return states_.size(); }
    double log_p(std::size_t t, std::size_t s) const {
        return softmax_.log_p(t * alignments_.batch() + row_, states_[s]);
    }
    bool skips(std::size_t s) const { return alignments_.may_skip(row_, s); }
    void step(std::size_t t) {
        double* own = &alpha_[t * width()];
        const double* before = own - width();
        for (std::size_t s = 0; s < width(); ++s)
            own[s] = log_p(t, s) + log_add(before[s], s > 0 ? before[s - 1] : impossible,
                                           skips(s) ? before[s - 2] : impossible);
    }

    const Alignments& alignments_;
    const Softmax<T>& softmax_;
    std::size_t row_;
    const std::vector<std::size_t>& states_;
    std::size_t steps_;
    std::vector<double> alpha_;
    double log_p_ = 0;
};

}  // namespace

template <class T>
Array<T> ctc_losses(const Alignments& alignments, const Array<T>& logits) {
    const Softmax<T> softmax(logits);
    Buffer<T> losses(Shape{alignments.batch()});
    for (std::size_t row = 0; row < losses.size(); ++row) {
        const double log_p = Lattice<T>(alignments, softmax, row).log_probability();
        const bool is_dropped = alignments.zero_infinity && log_p == impossible;
        losses.data()[row] = is_dropped ? T(0) : static_cast<T>(0 - log_p);
    }
    return losses;
}

/// softmax less the occupancies: equation 16 of Graves et al. 2006.
template <class T>
Array<T> ctc_slope(const Alignments& alignments, const Array<T>& g, const Array<T>& logits) {
    const Softmax<T> softmax(logits);
    const std::size_t classes = logits.shape()[2];
    Buffer<T> slope(logits.shape());
    std::fill_n(slope.data(), slope.size(), T(0));
    for (std::size_t row = 0; row < alignments.batch(); ++row) {
        const T scale = g.data()[row];
        if (scale == 0) continue;
        Lattice<T> lattice(alignments, softmax, row);
        if (lattice.log_probability() == impossible) continue;
        for (std::size_t t = 0; t < alignments.lengths[row]; ++t) {
            const std::size_t place = t * alignments.batch() + row;
            for (std::size_t c = place * classes; c < (place + 1) * classes; ++c)
                slope.data()[c] = scale * softmax.e.data()[c] / softmax.total.data()[place];
        }
        lattice.each_occupancy([&](std::size_t t, std::size_t s, double p) {
            const std::size_t place = t * alignments.batch() + row;
            slope.data()[place * classes + alignments.states[row][s]] -= scale * static_cast<T>(p);
        });
    }
    return slope;
}

template Array<float> ctc_losses(const Alignments&, const Array<float>&);
template Array<double> ctc_losses(const Alignments&, const Array<double>&);
template Array<float> ctc_slope(const Alignments&, const Array<float>&, const Array<float>&);
template Array<double> ctc_slope(const Alignments&, const Array<double>&, const Array<double>&);

}  // namespace tapeloop::nn::detail
