#include <fmt/format.h>
#include <autograd/check/random.hpp>
#include <autograd/check/second_order.hpp>

#include <cmath>

namespace tapeloop::detail {
namespace {

using Vectors = std::vector<double>;

/// An inner product, and the size of what was summed.
struct Inner {
    double value = 0;
    double size = 0;

    void add(double a, double b) {
        value += a * b;
        size += std::abs(a * b);
    }
};

/// The gradients by the function's own inputs, one behind the other.
Vectors flat(const std::vector<Vectors>& gradients, std::size_t begin, std::size_t end) {
    Vectors all;
    for (std::size_t k = begin; k < end; ++k) all.insert(all.end(), gradients[k].begin(), gradients[k].end());
    return all;
}

Inner inner(const Vectors& a, const Vectors& b) {
    Inner product;
    for (std::size_t i = 0; i < a.size(); ++i) product.add(a[i], b[i]);
    return product;
}

template <class T>
std::size_t own_size(const Subject<T>& subject) {
    std::size_t size = 0;
    for (std::size_t k = 0; k < subject.own_inputs(); ++k) size += subject.input(k).shape().size();
    return size;
}

}  // namespace

template <class T>
void check_products(GradientReport& report, Subject<T>& subject) {
    const std::size_t size = own_size(subject);
    const std::size_t own = subject.own_inputs();
    const double tolerance = sizeof(T) == 8 ? 1e-9 : 1e-3;
    const auto disagree = [&](const Inner& a, const Inner& b) {
        return !(std::abs(a.value - b.value) <= tolerance * (a.size + b.size + 1));
    };
    const Vectors w = random_weights(size, report.seed + 11);
    const Vectors z = random_weights(size, report.seed + 12);
    const auto by_w = subject.differentiate(w).gradients;
    const auto by_z = subject.differentiate(z).gradients;

    const Inner wHz = inner(flat(by_w, 0, own), z);
    const Inner zHw = inner(flat(by_z, 0, own), w);
    if (disagree(wHz, zHw))
        report.findings.push_back(
            {Diagnosis::asymmetric_hessian, 2, "",
             fmt::format("<w, H z> is {:.10g} and <z, H w> is {:.10g}: the Hessian from "
                         "the tape is not symmetric",
                         wHz.value, zHw.value)});

    // The gradient by the cotangents is J w; by another cotangent u it must meet Jᵀ u, w.
    const Vectors Jw = flat(by_w, own, subject.size());
    const Vectors u = random_weights(Jw.size(), report.seed + 13);
    std::size_t offset = 0;
    std::vector<std::vector<T>> before;
    for (std::size_t k = own; k < subject.size(); ++k) {
        const std::span<T> cotangent = subject.elements(k);
        before.emplace_back(cotangent.begin(), cotangent.end());
        for (T& element : cotangent) element = static_cast<T>(u[offset++]);
    }
    Vectors JTu;
    subject.evaluate(JTu);
    for (std::size_t k = own; k < subject.size(); ++k)
        std::copy(before[k - own].begin(), before[k - own].end(), subject.elements(k).begin());
    const Inner forward = inner(Jw, u);
    const Inner backward = inner(JTu, w);
    if (disagree(forward, backward))
        report.findings.push_back(
            {Diagnosis::not_linear, 2, "",
             fmt::format("<u, J w> is {:.10g} and <Jᵀ u, w> is {:.10g}: a recorded rule is not linear in its "
                         "cotangent",
                         forward.value, backward.value)});
}

template void check_products(GradientReport&, Subject<float>&);
template void check_products(GradientReport&, Subject<double>&);

}  // namespace tapeloop::detail
