#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/linalg.hpp>

#include <algorithm>

namespace tapeloop::test {
namespace {

Shape exchanged(const Shape& shape) {
    const std::size_t last = shape.rank() - 1;
    return shape.with(last, shape[last - 1]).with(last - 1, shape[last]);
}

Tensor<double> exchanged(const Tensor<double>& x) {
    return generate(exchanged(shape_of(x)), [&x](Position position) {
        std::swap(position[position.size() - 1], position[position.size() - 2]);
        return at(x, position);
    });
}

/// The position within a batch of `own` axes that broadcasts to the one at `position`, with row and column
/// behind it.
Position in_batch(const Shape& own, const Position& position, std::size_t row, std::size_t column) {
    Position here;
    const std::size_t lead = position.size() - own.rank();
    for (std::size_t axis = 0; axis + 2 < own.rank(); ++axis)
        here.push_back(own[axis] == 1 ? 0 : position[lead + axis]);
    here.push_back(row);
    here.push_back(column);
    return here;
}

Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b) {
    const Shape shape_a = shape_of(a);
    const Shape shape_b = shape_of(b);
    const auto batch = [](const Shape& shape) {
        Shape leading;
        for (std::size_t axis = 0; axis + 2 < shape.rank(); ++axis) leading.append(shape[axis]);
        return filled(leading, 0);
    };
    Shape result = joint_shape({batch(a.dimension() < 2 ? Shape{1, 1} : shape_a), batch(shape_b)});
    result.append(shape_a[shape_a.rank() - 2]);
    result.append(shape_b.back());
    return generate(result, [&](const Position& position) {
        const std::size_t row = position[position.size() - 2];
        const std::size_t column = position.back();
        double total = 0;
        for (std::size_t k = 0; k < shape_a.back(); ++k)
            total +=
                at(a, in_batch(shape_a, position, row, k)) * at(b, in_batch(shape_b, position, k, column));
        return total;
    });
}

void add_matmul(std::vector<Row>& rows, Transposed transposed) {
    std::vector<std::vector<Shape>> samples{
        {{3, 4}, {4, 2}},       {{3, 3}, {3, 3}},       {{1, 4}, {4, 1}},       {{2, 3, 4}, {4, 2}},
        {{2, 3, 4}, {2, 4, 2}}, {{3, 4}, {2, 4, 2}},    {{2, 2, 2}, {2, 2, 2}}, {{2, 1, 3, 2}, {3, 2, 2}},
        {{1, 3, 2}, {2, 2, 3}}, {{2, 1, 3}, {1, 3, 2}}, {{3, 0}, {0, 4}},       {{0, 3}, {3, 2}},
        {{2, 0, 3}, {3, 2}},    {{2, 3, 0}, {0, 4}},    {{2, 3, 0}, {2, 0, 4}}, {{0, 2, 3}, {0, 3, 2}},
        {{3, 4}, {4, 0}},       {{0, 2, 3}, {3, 2}}};
    for (std::vector<Shape>& shapes : samples) {
        if (transposed.a) shapes[0] = exchanged(shapes[0]);
        if (transposed.b) shapes[1] = exchanged(shapes[1]);
    }
    Row matmul_row = row(
        "matmul", [transposed](const auto& x) { return matmul(x[0], x[1], transposed); },
        [transposed](const Tensors& x) {
            return product(transposed.a ? exchanged(x[0]) : x[0], transposed.b ? exchanged(x[1]) : x[1]);
        });
    rows.push_back(std::move(matmul_row)
                       .of(samples)
                       .rejects({{3, 4}, {5, 2}})
                       .rejects({{3}, {3, 2}})
                       .rejects({{3, 2}, {2}})
                       .rejects({{}, {}})
                       .rejects({{2, 3, 3}, {3, 3, 3}}, {"[2]", "[3]"})
                       .within_ulps(32));
}

void add_affine(std::vector<Row>& rows) {
    rows.push_back(row(
                       "affine", [](const auto& x) { return affine(x[0], x[1], x[2]); },
                       [](const Tensors& x) {
                           Tensor<double> rows_of_x = x[0];
                           if (rows_of_x.dimension() == 1) rows_of_x.reshape({1, x[0].size()});
                           Tensor<double> result = product(rows_of_x, x[1]);
                           if (x[0].dimension() == 1) result.reshape({result.size()});
                           return each(result, x[2], [](double y, double b) { return y + b; });
                       })
                       .of({{{3, 4}, {4, 2}, {2}},
                            {{3, 4}, {4, 2}, {3, 2}},
                            {{3, 4}, {4, 2}, {}},
                            {{3, 4}, {4, 2}, {3, 1}},
                            {{3, 3}, {3, 3}, {3, 3}},
                            {{4}, {4, 2}, {2}},
                            {{2, 3, 4}, {4, 2}, {2}},
                            {{2, 3, 4}, {4, 2}, {2, 3, 2}},
                            {{2, 3, 4}, {4, 2}, {3, 2}},
                            {{2, 3, 4}, {4, 2}, {2, 1, 1}},
                            {{2, 2, 2, 2}, {2, 2}, {2}},
                            {{3, 0}, {0, 2}, {2}},
                            {{2, 3, 0}, {0, 2}, {2}},
                            {{0, 4}, {4, 2}, {2}},
                            {{2, 0, 4}, {4, 2}, {2}},
                            {{3, 4}, {4, 0}, {0}}})
                       .rejects({{3, 4}, {5, 2}, {2}}, {"[3, 4]", "[5, 2]"})
                       .rejects({{3, 4}, {2, 4, 2}, {2}}, {"[3, 4]", "[2, 4, 2]"})
                       .rejects({{}, {4, 2}, {2}}, {"[]", "[4, 2]"})
                       .rejects({{3, 4}, {4, 2}, {3}}, {"[3, 2]", "[3]"})
                       .rejects({{3, 4}, {4, 2}, {2, 3, 2}}, {"[3, 2]", "[2, 3, 2]"})
                       .within_ulps(32));
}

}  // namespace

std::vector<Row> linalg_rows() {
    std::vector<Row> rows;
    add_matmul(rows, {});
    add_matmul(rows, {.a = true, .b = false});
    add_matmul(rows, {.a = false, .b = true});
    add_matmul(rows, {.a = true, .b = true});
    add_affine(rows);
    rows.push_back(row(
                       "dot", [](const auto& x) { return dot(x[0], x[1]); },
                       [](const Tensors& x) { return filled({}, inner({x[0]}, {x[1]})); })
                       .of({{{5}, {5}}, {{1}, {1}}, {{0}, {0}}})
                       .rejects({{3}, {4}})
                       .rejects({{3}, {3, 1}})
                       .rejects({{}, {}})
                       .within_ulps(32));
    rows.push_back(row(
                       "outer", [](const auto& x) { return outer(x[0], x[1]); },
                       [](const Tensors& x) {
                           return generate({x[0].size(), x[1].size()}, [&](const Position& position) {
                               return x[0].data()[position[0]] * x[1].data()[position[1]];
                           });
                       })
                       .of({{{3}, {4}}, {{3}, {3}}, {{1}, {4}}, {{3}, {1}}, {{0}, {4}}, {{4}, {0}}})
                       .rejects({{3}, {3, 1}})
                       .rejects({{}, {3}}));
    return rows;
}

}  // namespace tapeloop::test
