#include <tests/fuzz/catalogue.hpp>

#include <autograd/ops/complex_recurrence.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linear_recurrence.hpp>
#include <autograd/ops/prod.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/scan.hpp>

#include <fmt/format.h>

#include <fmt/ranges.h>
#include <algorithm>

#include <cmath>
#include <numeric>

namespace tapeloop::fuzz {
namespace {

using test::Position;
/// What is left of a list of numbers.
using PlainReduction = double (*)(const std::vector<double>&);

/// The reduction by lists: one for each element of the result.
Tensor<double> reduced(const Tensor<double>& x, std::uint32_t mask, bool keepdims, PlainReduction plain) {
    const Shape own = shape_of(x);
    Shape kept;
    Shape left;
    for (std::size_t axis = 0; axis < own.rank(); ++axis) {
        const bool is_reduced = (mask >> axis & 1U) != 0;
        kept.append(is_reduced ? 1 : own[axis]);
        if (!is_reduced) left.append(own[axis]);
    }
    std::vector<std::vector<double>> lists(kept.size());
    test::generate(own, [&](const Position& p) {
        std::size_t place = 0;
        for (std::size_t axis = 0; axis < own.rank(); ++axis)
            place = place * kept[axis] + (kept[axis] == 1 ? 0 : p[axis]);
        lists[place].push_back(test::at(x, p));
        return 0.0;
    });
    Tensor<double> result = uninitialised<double>(keepdims ? kept : left);
    for (std::size_t i = 0; i < lists.size(); ++i) result.data()[i] = plain(lists[i]);
    return result;
}

double sum_of(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }
double mean_of(const std::vector<double>& x) { return sum_of(x) / static_cast<double>(x.size()); }
double product_of(const std::vector<double>& x) {
    return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<>());
}
double max_of(const std::vector<double>& x) { return *std::max_element(x.begin(), x.end()); }
double min_of(const std::vector<double>& x) { return *std::min_element(x.begin(), x.end()); }
double variance_of(const std::vector<double>& x) {
    double total = 0;
    for (double one : x) total += (one - mean_of(x)) * (one - mean_of(x));
    return total / static_cast<double>(x.size());
}
double norm_of(const std::vector<double>& x) {
    return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
}
double logsumexp_of(const std::vector<double>& x) {
    // Less the largest, where e to the power of it may be too large.
    double largest = x.empty() ? 0 : *std::max_element(x.begin(), x.end());
    if (!std::isfinite(largest)) largest = 0;
    double total = 0;
    for (double one : x) total += std::exp(one - largest);
    return std::log(total) + largest;
}

struct ChosenAxes {
    Axes axes;
    std::string text;
};

ChosenAxes choose_axes(Builder& builder, Id argument) {
    Bytes& bytes = builder.bytes();
    const std::size_t way = bytes.below(4);
    if (way == 0) return {{}, "{}"};
    const int first = builder.axis(argument);
    if (way < 3) return {first, std::to_string(first)};
    const int second = builder.axis(argument);
    // Now and then the same axis twice, which is refused.
    return {{first, second}, fmt::format("{{{}, {}}}", first, second)};
}

template <class F>
void add_reduction(Builder& builder, const char* name, const F& f, Promise promise, PlainReduction plain) {
    const Id argument = builder.any();
    const ChosenAxes chosen = choose_axes(builder, argument);
    const bool keepdims = builder.bytes().chance(50);
    builder.add(call(
        fmt::format("{}($0, {}, {})", name, chosen.text, keepdims), {argument},
        [f, axes = chosen.axes, keepdims](const auto& x) { return f(x[0], axes, keepdims); }, promise,
        [axes = chosen.axes, keepdims, plain](const Tensors& x) {
            return Tensors{reduced(x[0], axes.mask("reduced", shape_of(x[0]).rank()), keepdims, plain)};
        }));
}

#define TAPELOOP_FUZZ_REDUCTION(name, promise, plain)                                                 \
    Entry {                                                                                           \
#name, [](Builder & builder) {                                                                      \
            add_reduction(                                                                                  \
                builder, #name,                                                                             \
                [](const auto& x, const Axes& axes, bool keepdims) { return name(x, axes, keepdims); },     \
                promise, plain);                                                                            \
        } \
    }

template <class F>
void add_along(Builder& builder, const char* name, const F& f, Promise promise) {
    const Id argument = builder.of_rank(builder.bytes().chance(5) ? 0 : 1, 4);
    const int axis = builder.axis(argument);
    builder.add(call(
        fmt::format("{}($0, {})", name, axis), {argument}, [f, axis](const auto& x) { return f(x[0], axis); },
        promise));
}

void add_linear_recurrence(Builder& builder) {
    const Id first = builder.of_rank(builder.bytes().chance(5) ? 0 : 1, 4);
    const Shape own = builder.shape(first);
    Shape row;
    for (std::size_t axis = 1; axis < own.rank(); ++axis) row.append(own[axis]);
    const Id second = builder.bytes().chance(10) ? first : builder.of_shape(own);
    const Id start = builder.bytes().chance(5) ? builder.any() : builder.of_shape(row);
    const bool reversed = builder.bytes().chance(40);
    builder.add(call(
        fmt::format("linear_recurrence($0, $1, $2, {})", reversed), {first, second, start},
        [reversed](const auto& x) { return linear_recurrence(x[0], x[1], x[2], reversed); }, smooth_product));
}

void add_complex_recurrence(Builder& builder) {
    const Id first = builder.of_rank(builder.bytes().chance(5) ? 0 : 2, 4);
    const Shape own = builder.shape(first);
    Shape whole;
    Shape row;
    for (std::size_t axis = 0; axis < own.rank(); ++axis) {
        const std::size_t extent = axis + 1 == own.rank() ? 2 * own[axis] : own[axis];
        whole.append(extent);
        if (axis > 0) row.append(extent);
    }
    const Id second = builder.bytes().chance(10) ? first : builder.of_shape(own);
    const Id added = builder.of_shape(whole);
    const Id start = builder.bytes().chance(5) ? builder.any() : builder.of_shape(row);
    const bool reversed = builder.bytes().chance(40);
    builder.add(call(
        fmt::format("complex_recurrence($0, $1, $2, $3, {})", reversed), {first, second, added, start},
        [reversed](const auto& x) { return complex_recurrence(x[0], x[1], x[2], x[3], reversed); },
        smooth_product));
}

#define TAPELOOP_FUZZ_ALONG(name, promise)                                                            \
    Entry {                                                                                           \
#name, [](Builder & builder) {                                                                      \
            add_along(                                                                                      \
                builder, #name, [](const auto& x, int axis) { return name(x, axis); }, promise);             \
        } \
    }

void add_smooth_norm(Builder& builder) {
    const Id argument = builder.positive(builder.any());
    builder.add(call(
        "norm($0)", {argument}, [](const auto& x) { return norm(x[0]); },
        builder.shape(argument).size() > 0 ? builder.where_positive(argument, smooth) : Promise{}));
}

void add_sum_to(Builder& builder) {
    const Id argument = builder.any();
    const Shape own = builder.shape(argument);
    Shape part;
    for (std::size_t axis = builder.bytes().below(own.rank() + 1); axis < own.rank(); ++axis)
        part.append(builder.bytes().chance(50) ? 1 : own[axis]);
    builder.add(call(
        fmt::format("sum_to($0, {{{}}})", fmt::join(part.begin(), part.end(), ", ")), {argument},
        [part](const auto& x) { return sum_to(x[0], part); }, smooth));
}

}  // namespace

std::vector<Entry> reduce_entries() {
    return {TAPELOOP_FUZZ_REDUCTION(sum, smooth, sum_of),
            TAPELOOP_FUZZ_REDUCTION(mean, smooth, mean_of),
            TAPELOOP_FUZZ_REDUCTION(prod, smooth_product, product_of),
            TAPELOOP_FUZZ_REDUCTION(max, Promise{}, max_of),
            TAPELOOP_FUZZ_REDUCTION(min, Promise{}, min_of),
            TAPELOOP_FUZZ_REDUCTION(variance, smooth, variance_of),
            TAPELOOP_FUZZ_REDUCTION(norm, Promise{}, norm_of),
            TAPELOOP_FUZZ_REDUCTION(logsumexp, smooth, logsumexp_of),
            TAPELOOP_FUZZ_ALONG(softmax, smooth),
            TAPELOOP_FUZZ_ALONG(log_softmax, smooth),
            TAPELOOP_FUZZ_ALONG(cumsum, smooth),
            TAPELOOP_FUZZ_ALONG(cumprod, smooth_product),
            {"linear_recurrence", add_linear_recurrence},
            {"complex_recurrence", add_complex_recurrence},
            {"norm, away from 0", add_smooth_norm},
            {"sum_to", add_sum_to}};
}
#undef TAPELOOP_FUZZ_REDUCTION
#undef TAPELOOP_FUZZ_ALONG

}  // namespace tapeloop::fuzz
