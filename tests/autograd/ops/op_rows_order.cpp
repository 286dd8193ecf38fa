#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/order.hpp>

#include <algorithm>

namespace tapeloop::test {
namespace {

/// The first `count` elements along an axis once they are sorted.
Tensor<double> in_order(const Tensor<double>& x, std::size_t axis, bool descending, std::size_t count) {
    const Shape shape = shape_of(x);
    return generate(shape.with(axis, count), [&](Position position) {
        const std::size_t place = position[axis];
        std::vector<double> line;
        for (std::size_t k = 0; k < shape[axis]; ++k) {
            position[axis] = k;
            line.push_back(at(x, position));
        }
        std::sort(line.begin(), line.end());
        if (descending) std::reverse(line.begin(), line.end());
        return line[place];
    });
}

}  // namespace

std::vector<Row> order_rows() {
    std::vector<Row> rows;
    for (const auto& [axis, is_axis] : {std::pair{0, 0U}, {1, 1U}, {-1, 2U}}) {
        for (const bool descending : {false, true})
            rows.push_back(
                row(
                    "sort",
                    [axis = axis, descending](const auto& x) { return sort(x[0], axis, descending).values; },
                    [is_axis = is_axis, descending](const Tensors& x) {
                        return in_order(x[0], is_axis, descending, x[0].shape()[is_axis]);
                    })
                    .of({{{2, 3, 4}}, {{4, 2, 5}}, {{1, 1, 1}}, {{0, 3, 2}}, {{2, 0, 3}}})
                    .rejects({{}}, {"0 axes"}));
        rows.push_back(row(
                           "top_k", [axis = axis](const auto& x) { return top_k(x[0], 2, axis).values; },
                           [is_axis = is_axis](const Tensors& x) { return in_order(x[0], is_axis, true, 2); })
                           .of({{{2, 3, 4}}, {{4, 2, 5}}, {{2, 2, 2}}})
                           .rejects({{1, 1, 1}}, {"[1, 1, 1]", "k is 2", "0 .. 1"})
                           .rejects({{}}, {"0 axes"}));
    }
    rows.push_back(row(
                       "top_k", [](const auto& x) { return top_k(x[0], 2).values; },
                       [](const Tensors& x) { return in_order(x[0], 1, true, 2); })
                       .of({{{0, 3}}, {{3, 9}}}));
    rows.push_back(row(
                       "top_k", [](const auto& x) { return top_k(x[0], 0, 0).values; },
                       [](const Tensors& x) { return in_order(x[0], 0, true, 0); })
                       .of({{{3, 2}}, {{0, 2}}}));
    rows.push_back(row(
                       "top_k", [](const auto& x) { return top_k(x[0], -1, 0).values; },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{3, 2}}, {"[3, 2]", "k is -1"}));
    return rows;
}

}  // namespace tapeloop::test
