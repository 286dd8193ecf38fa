#include <fmt/format.h>
#include <autograd/check/check_forward.hpp>
#include <autograd/check/random.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

/// Random tensors of these shapes.
template <class T>
class RandomTensors {
  public:
    explicit RandomTensors(std::uint64_t seed) : random_(seed) {}
    Tensor<T> operator()(const Shape& shape) {
        Tensor<T> tensor = uninitialised<T>(shape);
        for (T& element : tensor) element = static_cast<T>(random_.weight());
        return tensor;
    }

  private:
    CheckRandom random_;
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

}  // namespace

template <class T>
void check_forward(GradientReport& report, Subject<T>& subject, const CheckOptions& options) {
    RandomTensors<T> draw(report.seed + 29);
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
    const SizedSum reverse = inner_product<T>(gradient(roots, wrt), v);
    const SizedSum forward = inner_product<T>(gradient(directions, cotangents), u);
    const Tolerances tolerances = Tolerances::of<T>(options);
    const double tolerance =
        std::max(tolerances.absolute, tolerances.relative * (forward.size + reverse.size) / 2);
    report.forward = {forward.value, reverse.value, tolerance};
    if (!(std::abs(forward.value - reverse.value) <= tolerance))
        report.findings.push_back(
            {Diagnosis::forward_differs, 1, "",
             fmt::format("<u, J v> is {:.10g} by forward mode and {:.10g} by the reverse sweep: a recorded "
                         "rule is not linear in its cotangent, or differs from that of arrays",
                         forward.value, reverse.value)});
}

template void check_forward(GradientReport&, Subject<float>&, const CheckOptions&);
template void check_forward(GradientReport&, Subject<double>&, const CheckOptions&);

}  // namespace tapeloop::detail
