#include <fmt/format.h>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/sweep_again.hpp>
#include <autograd/check/judge/tape_beside.hpp>
#include <autograd/check/second_order.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

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

/// Both pairs of products that must be equal.
struct Products {
    Inner wHz;
    Inner zHw;
    Inner forward;
    Inner backward;
};

bool are_products_finite(const Products& products) {
    return std::isfinite(products.wHz.value + products.zHw.value) &&
           std::isfinite(products.forward.value + products.backward.value);
}

/// Random weights; `trembling` moves them by next to nothing, so that they round otherwise.
template <class T>
Vectors weights_for(std::size_t size, std::uint64_t seed, std::uint64_t trembling) {
    Vectors weights = random_weights(size, seed);
    CheckRandom random(seed + trembling);
    if (trembling != 0)
        for (double& weight : weights)
            weight *= 1 + 16 * static_cast<double>(std::numeric_limits<T>::epsilon()) * random.weight();
    return weights;
}

template <class T>
Products products_of(Subject<T>& subject, std::uint64_t seed, std::uint64_t trembling) {
    const std::size_t size = own_size(subject);
    const std::size_t own = subject.own_inputs();
    const Vectors w = weights_for<T>(size, seed + 11, trembling);
    const Vectors z = weights_for<T>(size, seed + 12, trembling);
    const auto by_w = subject.differentiate(w).gradients;
    const auto by_z = subject.differentiate(z).gradients;
    Products products;
    products.wHz = inner(flat(by_w, 0, own), z);
    products.zHw = inner(flat(by_z, 0, own), w);

    // The gradient by the cotangents is J w; by another cotangent u it must meet Jᵀ u, w.
    const Vectors Jw = flat(by_w, own, subject.size());
    const Vectors u = weights_for<T>(Jw.size(), seed + 13, trembling);
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
    products.forward = inner(Jw, u);
    products.backward = inner(JTu, w);
    return products;
}

}  // namespace

template <class T>
void check_products(GradientReport& report, Subject<T>& subject) {
    const double tolerance = sizeof(T) == 8 ? 1e-9 : 1e-3;
    const Products here = products_of(subject, report.seed, 0);
    if (!are_products_finite(here)) {
        if (!report.has(Diagnosis::not_finite))
            report.findings.push_back({Diagnosis::not_finite, 2, "",
                                       "products with the Hessian from the tape, or with its Jacobian, are "
                                       "NaN or infinite"});
        return;
    }
    // What a pair differs by changes with the last places of all numbers where rounding is the reason, unless
    // all of them are lost in a larger one that cancels.
    const auto disagree = [&](Inner Products::*a, Inner Products::*b) {
        const auto off = [&](const Products& products) { return (products.*a).value - (products.*b).value; };
        const double allowed = tolerance * ((here.*a).size + (here.*b).size + 1);
        if (std::abs(off(here)) <= allowed) return false;
        double spread = 0;
        for (std::uint64_t point = 1; point <= points_of_last_places; ++point) {
            MovedInputs<T> moved(subject);
            moved.last_places(report.seed + point);
            spread = std::max(spread, std::abs(off(products_of(subject, report.seed, point)) - off(here)));
        }
        const double on_the_way =
            rounding_on_the_way(subject, weights_for<T>(own_size(subject), report.seed + 11, 0),
                                std::numeric_limits<T>::epsilon());
        return !(std::abs(off(here)) <= allowed + spread_margin * spread + on_the_way);
    };
    if (disagree(&Products::wHz, &Products::zHw))
        report.findings.push_back(
            {Diagnosis::asymmetric_hessian, 2, "",
             fmt::format("<w, H z> is {:.10g} and <z, H w> is {:.10g}: the Hessian from "
                         "the tape is not symmetric",
                         here.wHz.value, here.zHw.value)});
    if (disagree(&Products::forward, &Products::backward))
        report.findings.push_back(
            {Diagnosis::not_linear, 2, "",
             fmt::format("<u, J w> is {:.10g} and <Jᵀ u, w> is {:.10g}: a recorded rule is not linear in its "
                         "cotangent",
                         here.forward.value, here.backward.value)});
}

template void check_products(GradientReport&, Subject<float>&);
template void check_products(GradientReport&, Subject<double>&);

}  // namespace tapeloop::detail
