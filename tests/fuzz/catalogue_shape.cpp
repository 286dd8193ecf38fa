#include <tests/fuzz/catalogue.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace tapeloop::fuzz {
namespace {

using test::at;
using test::Position;

std::string list_text(const auto& list) { return fmt::format("{{{}}}", fmt::join(list, ", ")); }
std::string shape_text(const Shape& shape) {
    return fmt::format("{{{}}}", fmt::join(shape.begin(), shape.end(), ", "));
}
std::size_t axis_of(const Tensor<double>& x, int axis) {
    return static_cast<std::size_t>(axis < 0 ? axis + static_cast<int>(x.dimension()) : axis);
}

void add_reshape(Builder& builder) {
    Bytes& bytes = builder.bytes();
    const Id argument = builder.any();
    // The size in a few factors.
    std::size_t rest = builder.shape(argument).size();
    std::vector<std::size_t> extents;
    for (std::size_t i = bytes.below(4); i > 0; --i) {
        const std::size_t factor = bytes.one_of<std::size_t>({1, 2, 3, 4});
        const bool divides = rest % factor == 0;
        extents.push_back(divides ? factor : 1);
        if (divides) rest /= factor;
    }
    if (rest != 1 || bytes.chance(10)) extents.push_back(rest);
    const Shape shape{std::span<const std::size_t>(extents)};
    builder.add(call(
        fmt::format("reshape($0, {})", shape_text(shape)), {argument},
        [shape](const auto& x) { return reshape(x[0], shape); }, smooth,
        [shape](const Tensors& x) {
            return Tensors{test::tensor(shape, std::vector<double>(x[0].begin(), x[0].end()))};
        }));
}

void add_expand_dims(Builder& builder) {
    const Id argument = builder.any();
    const int rank = static_cast<int>(builder.shape(argument).rank());
    const int axis = builder.bytes().between(-rank - 1, rank);
    builder.add(call(
        fmt::format("expand_dims($0, {})", axis), {argument},
        [axis](const auto& x) { return expand_dims(x[0], axis); }, smooth));
}

void add_squeeze(Builder& builder) {
    const Id argument = builder.of_rank(1);
    const int axis = builder.axis(argument);
    builder.add(call(
        fmt::format("squeeze($0, {})", axis), {argument},
        [axis](const auto& x) { return squeeze(x[0], axis); }, smooth));
}

void add_transpose(Builder& builder) {
    const Id argument = builder.any();
    std::vector<int> permutation;
    if (!builder.bytes().chance(25)) {
        permutation.resize(builder.shape(argument).rank());
        std::iota(permutation.begin(), permutation.end(), 0);
        for (std::size_t i = permutation.size(); i > 1; --i)
            std::swap(permutation[i - 1], permutation[builder.bytes().below(i)]);
    }
    builder.add(call(
        fmt::format("transpose($0, {})", list_text(permutation)), {argument},
        [permutation](const auto& x) { return transpose(x[0], permutation); }, smooth,
        [permutation](const Tensors& x) {
            std::vector<std::size_t> order(permutation.begin(), permutation.end());
            const Shape own = shape_of(x[0]);
            for (std::size_t axis = own.rank(); order.size() < own.rank();) order.push_back(--axis);
            Shape result;
            for (std::size_t axis : order) result.append(own[axis]);
            return Tensors{test::generate(result, [&](const Position& p) {
                Position from(p.size());
                for (std::size_t i = 0; i < p.size(); ++i) from[order[i]] = p[i];
                return at(x[0], from);
            })};
        }));
}

void add_flip(Builder& builder) {
    const Id argument = builder.of_rank(1, 4);
    const int axis = builder.axis(argument);
    builder.add(call(
        fmt::format("flip($0, {})", axis), {argument}, [axis](const auto& x) { return flip(x[0], axis); },
        smooth,
        [axis](const Tensors& x) {
            return Tensors{test::generate(shape_of(x[0]), [&](Position p) {
                const std::size_t k = axis_of(x[0], axis);
                p[k] = x[0].shape()[k] - 1 - p[k];
                return at(x[0], p);
            })};
        }));
}

void add_roll(Builder& builder) {
    const Id argument = builder.of_rank(1, 4);
    const int axis = builder.axis(argument);
    const int shift = builder.bytes().between(-9, 9);
    builder.add(call(
        fmt::format("roll($0, {}, {})", shift, axis), {argument},
        [=](const auto& x) { return roll(x[0], shift, axis); }, smooth,
        [=](const Tensors& x) {
            return Tensors{test::generate(shape_of(x[0]), [&](Position p) {
                const std::size_t k = axis_of(x[0], axis);
                const int extent = static_cast<int>(x[0].shape()[k]);
                p[k] =
                    static_cast<std::size_t>(((static_cast<int>(p[k]) - shift) % extent + extent) % extent);
                return at(x[0], p);
            })};
        }));
}

void add_slice(Builder& builder) {
    Bytes& bytes = builder.bytes();
    const Id argument = builder.of_rank(1, 4);
    const int axis = builder.axis(argument);
    const Shape own = builder.shape(argument);
    const int extent = static_cast<int>(own[normalised_axis("slice", axis, own.rank())]);
    const int begin = bytes.between(0, extent);
    const int end = bytes.chance(5) ? bytes.between(-extent - 1, extent + 1) : bytes.between(begin, extent);
    const std::size_t step = 1 + bytes.below(3);
    builder.add(call(
        fmt::format("slice($0, {}, {}, {}, {})", axis, begin, end, step), {argument},
        [=](const auto& x) { return slice(x[0], axis, begin, end, step); }, smooth));
}

void add_columns(Builder& builder) {
    const Id argument = builder.of_rank(1, 4);
    const std::size_t n = 1 + builder.bytes().below(4);
    const std::size_t k = builder.bytes().below(n);
    builder.add(call(
        fmt::format("columns($0, {}, {})", k, n), {argument},
        [=](const auto& x) { return columns(x[0], k, n); }, smooth));
}

void add_pad(Builder& builder) {
    const Id argument = builder.any();
    std::vector<Padding> widths;
    std::vector<std::string> texts;
    for (std::size_t axis = 0; axis < builder.shape(argument).rank(); ++axis) {
        widths.push_back({builder.bytes().below(3), builder.bytes().below(3)});
        texts.push_back(fmt::format("{{{}, {}}}", widths.back().before, widths.back().after));
    }
    builder.add(call(
        fmt::format("pad($0, std::vector<Padding>{})", list_text(texts)), {argument},
        [widths](const auto& x) { return pad(x[0], widths); }, smooth));
}

void add_broadcast_to(Builder& builder) {
    Bytes& bytes = builder.bytes();
    const Id argument = builder.any();
    const Shape own = builder.shape(argument);
    Shape shape = builder.random_shape(0, own.rank() < 4 ? 1 : 0);
    for (std::size_t axis = 0; axis < own.rank(); ++axis)
        shape.append(own[axis] == 1 ? bytes.below(4) : own[axis]);
    builder.add(call(
        fmt::format("broadcast_to($0, {})", shape_text(shape)), {argument},
        [shape](const auto& x) { return broadcast_to(x[0], shape); }, smooth,
        [shape](const Tensors& x) { return Tensors{test::repeated(x[0], shape)}; }));
}

void add_detach(Builder& builder) {
    builder.add(call(
        "detach($0)", {builder.any()}, [](const auto& x) { return detach(x[0]); },
        {.is_smooth = true, .is_constant = true}, [](const Tensors& x) { return x; }));
}

void add_name(Builder& builder) {
    builder.add(call(
        "(@0 * 1).named(\"a\")", {builder.any()}, [](const auto& x) { return (x.var(0) * 1).named("a"); },
        smooth, [](const Tensors& x) { return x; }));
}

std::vector<Id> alike(Builder& builder, Id first, const std::function<Shape()>& shape) {
    std::vector<Id> parts{first};
    for (std::size_t more = builder.bytes().below(4); more > 0; --more)
        parts.push_back(builder.bytes().chance(20) ? first : builder.of_shape(shape()));
    return parts;
}

void add_concatenate(Builder& builder) {
    const Id argument = builder.of_rank(1, 4);
    const int axis = builder.axis(argument);
    const Shape own = builder.shape(argument);
    const std::vector<Id> parts = alike(builder, argument, [&] {
        return own.with(normalised_axis("concatenate", axis, own.rank()), builder.bytes().below(4));
    });
    builder.add(call(
        fmt::format("concatenate($*, {})", axis), parts,
        [axis](const auto& x) { return concatenate(x.vars(), axis); }, smooth));
}

void add_stack(Builder& builder) {
    const Id argument = builder.any();
    const Shape own = builder.shape(argument);
    const int rank = static_cast<int>(own.rank());
    const int axis = builder.bytes().between(-rank - 1, rank);
    builder.add(call(
        fmt::format("stack($*, {})", axis), alike(builder, argument, [&] { return own; }),
        [axis](const auto& x) { return stack(x.vars(), axis); }, smooth));
}

void add_split(Builder& builder) {
    const Id argument = builder.of_rank(1, 4);
    const int axis = builder.axis(argument);
    const std::size_t parts = 1 + builder.bytes().below(4);
    builder.add(call(
        fmt::format("split($0, {}, {})", parts, axis), {argument},
        [=](const auto& x) { return split(x[0], parts, axis); }, smooth));
}

void add_uneven_split(Builder& builder) {
    const Id argument = builder.of_rank(1, 4);
    const int axis = builder.axis(argument);
    const Shape own = builder.shape(argument);
    std::size_t rest = own[normalised_axis("split", axis, own.rank())];
    std::vector<std::size_t> extents;
    while (rest > 0 && extents.size() < 4) {
        extents.push_back(std::min(rest, builder.bytes().below(4)));
        rest -= extents.back();
    }
    extents.push_back(rest);
    builder.add(call(
        fmt::format("split($0, std::vector<std::size_t>{}, {})", list_text(extents), axis), {argument},
        [=](const auto& x) { return split(x[0], extents, axis); }, smooth,
        [=](const Tensors& x) {
            Tensors parts;
            std::size_t begin = 0;
            for (std::size_t extent : extents) {
                parts.push_back(test::part_of(x[0], axis_of(x[0], axis), begin, extent));
                begin += extent;
            }
            return parts;
        }));
}

void add_unstack(Builder& builder) {
    builder.add(call(
        "unstack($0)", {builder.of_rank(1, 4)}, [](const auto& x) { return unstack(x[0]); }, smooth));
}

}  // namespace

std::vector<Entry> shape_entries() {
    return {{"reshape", add_reshape},
            {"expand_dims", add_expand_dims},
            {"squeeze", add_squeeze},
            {"transpose", add_transpose},
            {"flip", add_flip},
            {"roll", add_roll},
            {"slice", add_slice},
            {"columns", add_columns},
            {"pad", add_pad},
            {"broadcast_to", add_broadcast_to},
            {"detach", add_detach},
            {"named", add_name},
            {"concatenate", add_concatenate},
            {"stack", add_stack},
            {"split", add_split},
            {"split, uneven", add_uneven_split},
            {"unstack", add_unstack}};
}

}  // namespace tapeloop::fuzz
