#include <fmt/format.h>
#include <autograd/check/check_forward.hpp>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/sweep_again.hpp>
#include <autograd/check/judge/tape_beside.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

/// Random tensors of these shapes; `trembling` moves them by next to nothing, so that they round otherwise.
template <class T>
class RandomTensors {
  public:
    RandomTensors(std::uint64_t seed, std::uint64_t trembling)
        : random_(seed), trembling_(trembling), by_(trembling) {}
    Tensor<T> operator()(const Shape& shape) {
        Tensor<T> tensor = uninitialised<T>(shape);
        for (T& element : tensor) {
            const auto weight = static_cast<T>(random_.weight());
            element = trembling_ == 0 ? weight : next_number(weight, by_.weight());
        }
        return tensor;
    }

  private:
    CheckRandom random_;
    std::uint64_t trembling_;
    CheckRandom by_;
};

/// The sum of products of two lists of tensors, and the size of what was summed.
struct SizedSum {
    double value = 0;
    double size = 0;
};

template <class T, class List>
SizedSum inner_product(const List& a, const std::vector<Tensor<T>>& b) {
    SizedSum sum;
    for (std::size_t k = 0; k < b.size(); ++k)
        for (std::size_t i = 0; i < b[k].size(); ++i) {
            const double product =
                static_cast<double>(a.at(k).data()[i]) * static_cast<double>(b[k].data()[i]);
            sum.value += product;
            sum.size += std::abs(product);
        }
    return sum;
}

/// <u, J v> by both modes.
struct BothModes {
    SizedSum forward;
    SizedSum reverse;
    double rounding = 0;  ///< on the way to the gradient

    double off() const { return forward.value - reverse.value; }
};

template <class T>
BothModes both_modes(Subject<T>& subject, std::uint64_t seed, std::uint64_t trembling) {
    RandomTensors<T> draw(seed + 29, trembling);
    Tape<T> tape;
    const typename Subject<T>::Run run = subject.run(tape);
    std::vector<Tensor<T>> u;
    std::vector<GradientRoot<T>> roots;
    std::vector<GradientGraphRoot<T>> recorded;
    std::vector<Wrt<T>> cotangents;
    for (const Var<T>& result : run.results) {
        u.push_back(draw(result.shape()));
        roots.push_back({result, u.back()});
        recorded.push_back({result, input(u.back())});
        cotangents.emplace_back(recorded.back().cotangent);
    }
    const WrtList<T> wrt = subject.wrt(run);
    std::vector<Tensor<T>> v;
    std::vector<GradientRoot<T>> directions;
    const GradientGraph<T> pulled = gradient_graph(recorded, wrt);
    for (std::size_t k = 0; k < subject.size(); ++k) {
        v.push_back(draw(subject.input(k).shape()));
        directions.push_back({pulled.at(k), v.back()});
    }
    BothModes both{inner_product<T>(gradient(directions, cotangents), u),
                   inner_product<T>(gradient(roots, wrt), v)};
    both.rounding = rounding_on_the_way(tape, directions, std::numeric_limits<T>::epsilon());
    return both;
}

/// The largest change of what both differ by, with the last places of all numbers.
template <class T>
double spread_of(Subject<T>& subject, std::uint64_t seed, const BothModes& here) {
    double spread = 0;
    for (std::uint64_t point = 1; point <= points_of_last_places; ++point) {
        MovedInputs<T> moved(subject);
        moved.last_places(seed + point);
        spread = std::max(spread, std::abs(both_modes(subject, seed, point).off() - here.off()));
    }
    return spread;
}

}  // namespace

template <class T>
void check_forward(GradientReport& report, Subject<T>& subject, const CheckOptions& options) {
    const BothModes here = both_modes(subject, report.seed, 0);
    const Tolerances tolerances = Tolerances::of<T>(options);
    double tolerance =
        std::max(tolerances.absolute, tolerances.relative * (here.forward.size + here.reverse.size) / 2);
    if (!(std::abs(here.off()) <= tolerance))
        tolerance += spread_margin * spread_of(subject, report.seed, here) + here.rounding;
    report.forward = {here.forward.value, here.reverse.value, tolerance};
    if (!(std::abs(here.off()) <= tolerance))
        report.findings.push_back(
            {Diagnosis::forward_differs, 1, "",
             fmt::format("<u, J v> is {:.10g} by forward mode and {:.10g} by the reverse sweep: a recorded "
                         "rule is not linear in its cotangent, or differs from that of arrays",
                         here.forward.value, here.reverse.value)});
}

template void check_forward(GradientReport&, Subject<float>&, const CheckOptions&);
template void check_forward(GradientReport&, Subject<double>&, const CheckOptions&);

}  // namespace tapeloop::detail
