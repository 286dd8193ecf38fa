#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/linear_recurrence.hpp>
#include <autograd/ops/scan.hpp>

namespace tapeloop::test {
namespace {

/// Each element with those in front of it along an axis, put together by `join` from `start` on.
Tensor<double> cumulated(const Tensor<double>& x, std::size_t axis, double start,
                         double (*join)(double, double)) {
    return generate(shape_of(x), [&](Position position) {
        double result = start;
        const std::size_t last = position[axis];
        for (std::size_t k = 0; k <= last; ++k) {
            position[axis] = k;
            result = join(result, at(x, position));
        }
        return result;
    });
}

Tensor<double> sums(const Tensor<double>& x, std::size_t axis) {
    return cumulated(x, axis, 0, [](double a, double b) { return a + b; });
}
Tensor<double> products(const Tensor<double>& x, std::size_t axis) {
    return cumulated(x, axis, 1, [](double a, double b) { return a * b; });
}

const std::vector<std::vector<Shape>> samples_of_scans{
    {{2, 3, 4}}, {{1, 1, 1}}, {{3, 1, 2}}, {{0, 3, 2}}, {{2, 3, 0}}};

/// a(t) h + b(t), one element after the other.
Tensor<double> recurrence(const Tensors& x, bool is_reversed) {
    const Shape whole = shape_of(x[1]);
    Tensor<double> y = filled(whole, 0);
    const std::size_t width = whole[0] == 0 ? 0 : whole.size() / whole[0];
    const std::size_t width_of_a = shape_of(x[0])[0] == 0 ? 0 : x[0].size() / shape_of(x[0])[0];
    for (std::size_t i = 0; i < width; ++i) {
        double h = x[2].data()[i];
        for (std::size_t k = 0; k < whole[0]; ++k) {
            const std::size_t t = is_reversed ? whole[0] - 1 - k : k;
            h = x[0].data()[t * width_of_a + i % width_of_a] * h + x[1].data()[t * width + i];
            y.data()[t * width + i] = h;
        }
    }
    return y;
}

}  // namespace

std::vector<Row> scan_rows() {
    std::vector<Row> rows;
    for (const bool is_reversed : {false, true})
        rows.push_back(
            row(
                "linear_recurrence",
                [is_reversed](const auto& x) { return linear_recurrence(x[0], x[1], x[2], is_reversed); },
                [is_reversed](const Tensors& x) { return recurrence(x, is_reversed); })
                .of({{{4, 2, 3}, {4, 2, 3}, {2, 3}},
                     {{4, 1, 3}, {4, 2, 3}, {2, 3}},
                     {{3, 17}, {3, 17}, {17}},
                     {{1, 2}, {1, 2}, {2}},
                     {{5}, {5}, {}},
                     {{0, 2}, {0, 2}, {2}},
                     {{3, 0}, {3, 0}, {0}}})
                .rejects({{3, 2}, {3, 2}, {3}}, {"start [3]", "[T, ..]"})
                .rejects({{3, 2}, {4, 2}, {2}}, {"[3, 2]", "[4, 2]"})
                .rejects({{}, {}, {}}, {"a is []"}));
    for (const auto& [axis, is_axis] : {std::pair{0, 0U}, {1, 1U}, {-1, 2U}}) {
        rows.push_back(row(
                           "cumsum", [axis = axis](const auto& x) { return cumsum(x[0], axis); },
                           [is_axis = is_axis](const Tensors& x) { return sums(x[0], is_axis); })
                           .of(samples_of_scans)
                           .rejects({{}}, {"0 axes"}));
        rows.push_back(row(
                           "cumprod", [axis = axis](const auto& x) { return cumprod(x[0], axis); },
                           [is_axis = is_axis](const Tensors& x) { return products(x[0], is_axis); })
                           .of(samples_of_scans)
                           .rejects({{}}, {"0 axes"}));
    }
    rows.push_back(
        row(
            "cumsum", [](const auto& x) { return cumsum(x[0], 2); }, [](const Tensors& x) { return x[0]; })
            .rejects({{3, 4}}, {"axis 2", "2 axes"}));
    rows.push_back(row(
                       "cumsum", [](const auto& x) { return cumsum(x[0], 0); },
                       [](const Tensors& x) { return sums(x[0], 0); })
                       .of({{{7}}, {{0}}})
                       .independent(1, 1, [](std::size_t extent) {
                           return std::vector<Shape>{{3, extent}};
                       }));
    return rows;
}

}  // namespace tapeloop::test
