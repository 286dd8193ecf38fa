#include <tests/fuzz/catalogue.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/order.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tapeloop::fuzz {
namespace {

using test::at;
using test::Position;

/// Positions below `extent`; now and then one that is out of range.
std::vector<std::ptrdiff_t> positions(Bytes& bytes, std::size_t count, std::size_t extent) {
    std::vector<std::ptrdiff_t> list(extent == 0 ? 0 : count);
    for (std::ptrdiff_t& position : list)
        position = bytes.chance(1)
                       ? bytes.between(-3, 40)
                       : static_cast<std::ptrdiff_t>(bytes.below(std::min<std::size_t>(extent, 256)));
    return list;
}
std::string text(const std::vector<std::ptrdiff_t>& list, const Shape& shape) {
    return fmt::format("Indices{{{}}}.reshaped({{{}}})", fmt::join(list, ", "),
                       fmt::join(shape.begin(), shape.end(), ", "));
}

/// Of rank 1 or 2.
Shape index_shape(Bytes& bytes, std::size_t extent) {
    const std::size_t count = extent == 0 ? 0 : bytes.below(6);
    return bytes.chance(30) ? Shape{count, 1 + bytes.below(2)} : Shape{count};
}

void add_gather_rows(Builder& builder) {
    const Id table = builder.of_rank(1, 4);
    const std::size_t rows = builder.shape(table)[0];
    const Shape shape = index_shape(builder.bytes(), rows);
    const auto list = positions(builder.bytes(), shape.size(), rows);
    builder.add(call(
        fmt::format("gather_rows($0, {})", text(list, shape)), {table},
        [=](const auto& x) { return gather_rows(x[0], Indices(list).reshaped(shape)); }, smooth));
}

void add_scatter_add(Builder& builder) {
    const Id target = builder.of_rank(1, 3);
    const Shape own = builder.shape(target);
    const Shape shape = index_shape(builder.bytes(), own[0]);
    const auto list = positions(builder.bytes(), shape.size(), own[0]);
    Shape source = shape;
    for (std::size_t axis = 1; axis < own.rank(); ++axis) source.append(own[axis]);
    builder.add(call(
        fmt::format("scatter_add($0, {}, $1)", text(list, shape)), {target, builder.of_shape(source)},
        [=](const auto& x) { return scatter_add(x[0], Indices(list).reshaped(shape), x[1]); }, smooth));
}

void add_take_along(Builder& builder) {
    const Id argument = builder.of_rank(1, 3);
    const int axis = builder.axis(argument);
    const Shape own = builder.shape(argument);
    const std::size_t k = normalised_axis("take_along", axis, own.rank());
    Shape shape;
    for (std::size_t i = 0; i < own.rank(); ++i)
        shape.append(i == k ? (own[k] == 0 ? 0 : builder.bytes().below(4))
                            : (builder.bytes().chance(30) ? 1 : own[i]));
    const auto list = positions(builder.bytes(), shape.size(), own[k] == 0 ? 1 : own[k]);
    builder.add(call(
        fmt::format("take_along($0, {}, {})", text(list, shape), axis), {argument},
        [=](const auto& x) { return take_along(x[0], Indices(list).reshaped(shape), axis); }, smooth));
}

void add_one_hot(Builder& builder) {
    const std::size_t n = builder.bytes().below(5);
    const Shape shape = index_shape(builder.bytes(), n);
    const auto list = positions(builder.bytes(), shape.size(), n);
    const Id argument = builder.of_rank(0, 0);
    builder.add(call(
        fmt::format("$0 * one_hot<double>({}, {})", text(list, shape), n), {argument},
        [=](const auto& x) {
            using T = typename decltype(x.var(0))::value_type;
            return multiply(x[0], one_hot<T>(Indices(list).reshaped(shape), n));
        },
        smooth));
}

Position moved(Position p, std::size_t axis, std::size_t to) {
    p[axis] = to;
    return p;
}
/// How many elements of x along an axis come before the one at p.
std::size_t place_in_order(const Tensor<double>& x, const Position& p, std::size_t axis, bool descending) {
    std::size_t before = 0;
    for (std::size_t i = 0; i < x.shape()[axis]; ++i) {
        const double one = at(x, moved(p, axis, i));
        const double own = at(x, p);
        before += one == own ? i < p[axis] : (one < own) != descending;
    }
    return before;
}

Tensor<double> sorted(const Tensor<double>& x, std::size_t axis, bool descending) {
    return test::generate(shape_of(x), [&](const Position& p) {
        for (std::size_t i = 0; i < x.shape()[axis]; ++i)
            if (place_in_order(x, moved(p, axis, i), axis, descending) == p[axis])
                return at(x, moved(p, axis, i));
        return 0.0;
    });
}

void add_sort(Builder& builder) {
    const Id argument = builder.of_rank(1, 3);
    const int axis = builder.axis(argument);
    const bool descending = builder.bytes().chance(50);
    builder.add(call(
        fmt::format("sort($0, {}, {}).values", axis, descending), {argument},
        [=](const auto& x) { return sort(x[0], axis, descending).values; }, {},
        [=](const Tensors& x) {
            return Tensors{sorted(x[0], normalised_axis("sort", axis, x[0].dimension()), descending)};
        }));
}

void add_top_k(Builder& builder) {
    const Id argument = builder.of_rank(1, 3);
    const int axis = builder.axis(argument);
    const Shape own = builder.shape(argument);
    const std::size_t n = own[normalised_axis("top_k", axis, own.rank())];
    const std::ptrdiff_t k = builder.bytes().between(0, static_cast<int>(std::min<std::size_t>(n, 200)));
    builder.add(call(
        fmt::format("top_k($0, {}, {}).values", k, axis), {argument},
        [=](const auto& x) { return top_k(x[0], k, axis).values; }, {},
        [=](const Tensors& x) {
            const std::size_t along = normalised_axis("top_k", axis, x[0].dimension());
            return Tensors{test::part_of(sorted(x[0], along, true), along, 0, static_cast<std::size_t>(k))};
        }));
}

void add_arg(Builder& builder) {
    const Id argument = builder.of_rank(1, 3);
    const int axis = builder.axis(argument);
    const bool of_max = builder.bytes().chance(50);
    builder.add(
        call(fmt::format("take_along($0, {0}($0, {1}, true), {1})", of_max ? "argmax" : "argmin", axis),
             {argument}, [=](const auto& x) {
                 return take_along(x[0], of_max ? argmax(x[0], axis, true) : argmin(x[0], axis, true), axis);
             }));
}

}  // namespace

std::vector<Entry> index_entries() {
    return {{"gather_rows", add_gather_rows},
            {"scatter_add", add_scatter_add},
            {"take_along", add_take_along},
            {"one_hot", add_one_hot},
            {"sort", add_sort},
            {"top_k", add_top_k},
            {"argmax and argmin", add_arg}};
}

}  // namespace tapeloop::fuzz
