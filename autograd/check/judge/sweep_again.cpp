#include <fmt/format.h>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/sweep_again.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

namespace tapeloop::detail {
namespace {

using SweptNumbers = std::vector<std::vector<double>>;

/// Returns the largest distance of `a` from `factor` times `b`, relative to the largest of those. Numbers so
/// small that they have fewer places are not compared.
template <class T>
double distance(const std::vector<double>& a, const std::vector<double>& b, double factor) {
    const auto negligible = static_cast<double>(std::numeric_limits<T>::min());
    double largest = 0;
    double size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double other = factor * b[i];
        if (std::isnan(a[i]) && std::isnan(other)) continue;
        if (a[i] == other) continue;
        largest = std::max(largest, std::abs(a[i] - other));
        size = std::max({size, std::abs(a[i]), std::abs(other)});
    }
    for (std::size_t i = 0; i < a.size(); ++i)
        if (std::isfinite(b[i])) size = std::max(size, std::abs(factor * b[i]));
    return largest <= negligible ? 0 : largest / size;
}

bool is_swept_finite(const std::vector<double>& x) {
    return std::all_of(x.begin(), x.end(), [](double element) { return std::isfinite(element); });
}

/// The gradients of one recording, by several sweeps.
struct Sweeps {
    SweptNumbers first;
    SweptNumbers second;
    std::vector<SweptNumbers> multiplied;  ///< by each of `other_cotangents`
    SweptNumbers after_another;
};

// The first is neither 1 nor positive, so that neither a constant nor a square nor a magnitude passes for
// linear; a rule that clips its cotangent, or drops small ones, is linear until far from 1. Powers of two, so
// that all else rounds alike.
constexpr std::array<double, 3> other_cotangents{-2, -1024, -1.0 / 1024};

template <class T>
SweptNumbers swept(const Subject<T>& subject, const typename Subject<T>::Run& run,
                   const std::vector<Var<T>>& results, std::span<const double> cotangent) {
    SweptNumbers gradients;
    for (const Tensor<T>& one : gradient(subject.roots(results, cotangent), subject.wrt(run)))
        gradients.emplace_back(one.data(), one.data() + one.size());
    return gradients;
}

template <class T>
Sweeps sweeps_of(Subject<T>& subject, std::span<const double> cotangent, std::uint64_t seed) {
    Tape<T> tape;
    const typename Subject<T>::Run run = subject.run(tape);
    const std::vector<Var<T>> results = subject.differentiated(run);
    Sweeps sweeps;
    sweeps.first = swept(subject, run, results, cotangent);
    sweeps.second = swept(subject, run, results, cotangent);
    for (const double factor : other_cotangents)
        sweeps.multiplied.push_back(swept(subject, run, results, multiplied(cotangent, factor)));
    try {
        MovedInputs<T> moved(subject);
        moved.beside(seed);
        std::vector<double> ignored;
        subject.evaluate(ignored);
    } catch (const std::exception&) {
        // Not defined there; what was computed until then is in the memory of a rule that has one.
    }
    sweeps.after_another = swept(subject, run, results, cotangent);
    return sweeps;
}

}  // namespace

std::vector<double> multiplied(std::span<const double> cotangent, double factor) {
    std::vector<double> result(cotangent.begin(), cotangent.end());
    for (double& element : result) element *= factor;
    return result;
}

template <class T>
MovedInputs<T>::MovedInputs(Subject<T>& subject) : subject_(subject) {
    for (std::size_t k = 0; k < subject_.own_inputs(); ++k)
        before_.emplace_back(subject_.elements(k).begin(), subject_.elements(k).end());
}

template <class T>
MovedInputs<T>::~MovedInputs() {
    for (std::size_t k = 0; k < before_.size(); ++k)
        std::copy(before_[k].begin(), before_[k].end(), subject_.elements(k).begin());
}

template <class T>
void MovedInputs<T>::beside(std::uint64_t seed) {
    CheckRandom random(seed + 17);
    for (std::size_t k = 0; k < before_.size(); ++k)
        for (T& element : subject_.elements(k)) {
            const auto x = static_cast<double>(element);
            element = static_cast<T>(x + 0.1 * random.weight() * (x == 0 ? 1 : std::abs(x)));
        }
}

template <class T>
void MovedInputs<T>::scale(double factor) {
    for (std::size_t k = 0; k < before_.size(); ++k)
        std::transform(before_[k].begin(), before_[k].end(), subject_.elements(k).begin(),
                       [factor](T x) { return static_cast<T>(factor * static_cast<double>(x)); });
}

template <class T>
void MovedInputs<T>::last_places(std::uint64_t seed) {
    CheckRandom random(seed + 19);
    for (std::size_t k = 0; k < before_.size(); ++k)
        for (T& x : subject_.elements(k)) x = next_number(x, random.weight());
}

template <class T>
void MovedInputs<T>::fill(double value) {
    for (std::size_t k = 0; k < before_.size(); ++k)
        std::fill(subject_.elements(k).begin(), subject_.elements(k).end(), static_cast<T>(value));
}

template <class T>
std::vector<SweptFinding> sweep_again(Subject<T>& subject, std::span<const double> cotangent,
                                      std::uint64_t seed) {
    const Sweeps sweeps = sweeps_of(subject, cotangent, seed);
    const double tolerance = sizeof(T) == 8 ? 1e-9 : 1e-3;
    std::vector<SweptFinding> findings;
    for (std::size_t k = 0; k < sweeps.first.size(); ++k) {
        const auto find = [&](Diagnosis diagnosis, std::string text, double factor = 1) {
            findings.push_back(
                {{diagnosis, subject.order(), subject.input(k).name, std::move(text)}, factor});
        };
        const std::vector<double>& first = sweeps.first[k];
        const double again = distance<T>(sweeps.second[k], first, 1);
        const double after = distance<T>(sweeps.after_another[k], first, 1);
        if (again > tolerance) {
            find(Diagnosis::rule_changes,
                 fmt::format("two sweeps over one recording differ by {:.2g} of the gradient: a rule draws "
                             "random numbers, or adds to what an earlier sweep left; draw where values are "
                             "computed, and start from zeros",
                             again));
            continue;
        }
        if (after > tolerance) {
            find(Diagnosis::rule_changes,
                 fmt::format("the gradient changes by {:.2g} of itself when f is evaluated elsewhere between "
                             "recording and sweep: a rule uses values of the last evaluation; use those that "
                             "it is handed",
                             after));
            continue;
        }
        for (std::size_t m = 0; m < other_cotangents.size(); ++m) {
            const double factor = other_cotangents[m];
            const std::vector<double>& there = sweeps.multiplied[m][k];
            const double off = distance<T>(there, first, factor);
            // What is so large that it is no number any more says nothing.
            const bool is_far = m != 0;
            if (!(off > tolerance) || (is_far && !is_swept_finite(there))) continue;
            if (!is_far && distance<T>(there, first, 1) <= tolerance)
                find(Diagnosis::cotangent_ignored,
                     fmt::format(
                         "the cotangent times {} gives the same gradient: a rule does not multiply by its "
                         "cotangent",
                         factor));
            else
                find(Diagnosis::not_linear,
                     fmt::format("the cotangent times {0} does not give the gradient times {0}, it is off by "
                                 "{1:.2g} of it: a rule is not linear in its cotangent{2}",
                                 factor, off, is_far ? "; does it clip it, or leave small ones out?" : ""),
                     factor);
            break;
        }
    }
    return findings;
}

template class MovedInputs<float>;
template class MovedInputs<double>;
template std::vector<SweptFinding> sweep_again(Subject<float>&, std::span<const double>, std::uint64_t);
template std::vector<SweptFinding> sweep_again(Subject<double>&, std::span<const double>, std::uint64_t);

}  // namespace tapeloop::detail
