#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/complex_recurrence.hpp>
#include <autograd/ops/linear_recurrence.hpp>
#include <autograd/ops/scan.hpp>

#include <complex>

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

/// (re(t) + i im(t)) h + b(t), one number after the other; `x` is re, im, b and the start.
Tensor<double> complex_by_numbers(const Tensors& x, bool is_reversed) {
    const Shape whole = shape_of(x[2]);
    Tensor<double> y = filled(whole, 0);
    const std::size_t half = whole.back() / 2;
    Shape numbers;
    for (std::size_t axis = 0; axis + 1 < whole.rank(); ++axis) numbers.append(whole[axis]);
    numbers.append(half);
    const auto with_time = [&](const Tensor<double>& part) -> Tensor<double> {
        return xt::broadcast(part, std::vector<std::size_t>(numbers.begin(), numbers.end()));
    };
    const Tensor<double> re = with_time(x[0]);
    const Tensor<double> im = with_time(x[1]);
    const std::size_t rows = whole[0] == 0 || half == 0 ? 0 : whole.size() / (2 * half) / whole[0];
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t n = 0; n < half; ++n) {
            const std::size_t own = row * 2 * half + n;
            std::complex<double> h(x[3].data()[own], x[3].data()[own + half]);
            for (std::size_t k = 0; k < whole[0]; ++k) {
                const std::size_t t = is_reversed ? whole[0] - 1 - k : k;
                const std::size_t of_a = (t * rows + row) * half + n;
                const std::size_t at_t = t * rows * 2 * half + own;
                h = std::complex(re.data()[of_a], im.data()[of_a]) * h +
                    std::complex(x[2].data()[at_t], x[2].data()[at_t + half]);
                y.data()[at_t] = h.real();
                y.data()[at_t + half] = h.imag();
            }
        }
    return y;
}

}  // namespace

std::vector<Row> scan_rows() {
    std::vector<Row> rows;
    for (const bool is_reversed : {false, true})
        rows.push_back(row(
                           "complex_recurrence",
                           [is_reversed](const auto& x) {
                               return complex_recurrence(x[0], x[1], x[2], x[3], is_reversed);
                           },
                           [is_reversed](const Tensors& x) { return complex_by_numbers(x, is_reversed); })
                           .of({{{4, 2, 3}, {4, 2, 3}, {4, 2, 6}, {2, 6}},
                                {{3}, {4, 1, 3}, {4, 2, 6}, {2, 6}},
                                {{3, 1}, {}, {3, 4}, {4}},
                                {{2, 2, 17}, {2, 2, 17}, {2, 2, 34}, {2, 34}},
                                {{1, 2}, {1, 2}, {1, 4}, {4}},
                                {{0, 2}, {0, 2}, {0, 4}, {4}},
                                {{3, 0}, {3, 0}, {3, 0}, {0}},
                                {{3, 0, 2}, {3, 0, 2}, {3, 0, 4}, {0, 4}}})
                           .rejects({{3, 2}, {3, 2}, {3, 4}, {2}}, {"start [2]", "[T, .., 2N]"})
                           .rejects({{3, 2}, {3, 2}, {3, 5}, {5}}, {"b [3, 5]"})
                           .rejects({{3, 4}, {3, 4}, {3, 4}, {4}}, {"[3, 4]"})
                           .rejects({{3, 2}, {3, 1}, {1, 4}, {4}}, {"b [1, 4]"})
                           .rejects({{2}, {3, 2}, {4}, {4}}, {"b [4]"})
                           .rejects({{}, {}, {}, {}}, {"b []"}));
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
