#include <tests/autograd/ops/op_table.hpp>

#include <autograd/custom.hpp>
#include <autograd/map.hpp>

#include <cmath>

namespace tapeloop::test {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// The k-th of n parts of the last axis.
Tensor<double> gate(const Tensor<double>& packed, std::size_t k, std::size_t n) {
    const std::size_t width = shape_of(packed).back() / n;
    return part_of(packed, packed.dimension() - 1, k * width, width);
}

void add_plain(std::vector<Row>& rows) {
    rows.push_back(unary(
        "map", [](auto x) { return map([](auto v) { return tanh(v) * v + 0.5; }, x); },
        [](double x) { return std::tanh(x) * x + 0.5; }));
    rows.push_back(binary(
        "map",
        [](auto a, auto b) {
            return map([](auto p, auto q) { return sigmoid(p) * q + (1 - sigmoid(p)) * tanh(q - 2 * p); }, a,
                       b);
        },
        [](double a, double b) { return logistic(a) * b + (1 - logistic(a)) * std::tanh(b - 2 * a); }));
    rows.push_back(row(
                       "map",
                       [](const auto& x) {
                           return map(
                               [](auto a, auto b, auto c) {
                                   auto n = a * b + sin(c);
                                   return std::tuple{n, exp(n / 4), a + 0 * n};
                               },
                               x[0], x[1], x[2]);
                       },
                       [](const Tensors& x) {
                           const Tensor<double> n = each(x[0], x[1], x[2], [](double a, double b, double c) {
                               return a * b + std::sin(c);
                           });
                           return Tensors{n, each(n, [](double v) { return std::exp(v / 4); }),
                                          repeated(x[0], shape_of(n))};
                       })
                       .of({{{3, 4}, {3, 4}, {3, 4}},
                            {{3, 4}, {4}, {3, 1}},
                            {{2, 1, 2}, {3, 1}, {}},
                            {{}, {}, {}},
                            {{0, 3}, {3}, {1, 1}},
                            {{5}, {}, {5}}})
                       .rejects({{3, 4}, {3, 4}, {5}}, {"[3, 4]", "[5]"})
                       .within_ulps(32)
                       .elementwise());
}

// A cell of four gates, its matrix and its bias packed.
void add_gated(std::vector<Row>& rows) {
    Row gated = row(
        "map",
        [](const auto& x) {
            return map(
                [](auto a, auto b, auto c) {
                    auto [i, f, n, o] = a;
                    auto [bi, bf, bn, bo] = b;
                    auto next = sigmoid(f + bf) * c + sigmoid(i + bi) * tanh(n + bn);
                    return std::tuple{sigmoid(o + bo) * tanh(next), next};
                },
                gates<4>(x[0]), gates<4>(x[1]), x[2]);
        },
        [](const Tensors& x) {
            const auto sum_of_gate = [&](std::size_t k) {
                return each(gate(x[0], k, 4), gate(x[1], k, 4), std::plus<double>());
            };
            const Tensor<double> kept =
                each(sum_of_gate(1), x[2], [](double f, double c) { return logistic(f) * c; });
            const Tensor<double> next =
                each(kept, sum_of_gate(0), sum_of_gate(2),
                     [](double k, double i, double n) { return k + logistic(i) * std::tanh(n); });
            const Tensor<double> h =
                each(sum_of_gate(3), next, [](double o, double c) { return logistic(o) * std::tanh(c); });
            return Tensors{h, next};
        });
    rows.push_back(std::move(gated)
                       .of({{{3, 8}, {8}, {3, 2}},
                            {{2, 4}, {4}, {2, 1}},
                            {{3, 8}, {1, 8}, {2}},
                            {{2, 2, 8}, {2, 1, 8}, {2, 2}},
                            {{8}, {8}, {2}},
                            {{3, 8}, {3, 8}, {}},
                            {{0, 8}, {8}, {0, 2}},
                            {{3, 0}, {0}, {3, 0}}})
                       .rejects({{3, 7}, {8}, {3, 2}}, {"[3, 7]", "4 equal parts"})
                       .rejects({{3, 8}, {8}, {3, 3}}, {"[3, 2]", "[3, 3]"})
                       .rejects({{}, {8}, {3, 3}}, {"[]", "4 equal parts"})
                       .within_ulps(40)
                       .independent(0, 0, [](std::size_t n) {
                           return std::vector<Shape>{{n, 12}, {12}, {n, 3}};
                       }));
}

/// Parts of one element that stand for whole rows.
void add_wide_gates(std::vector<Row>& rows) {
    rows.push_back(row(
                       "map",
                       [](const auto& x) {
                           return map(
                               [](auto a, auto b) {
                                   auto [slope, offset] = a;
                                   return tanh(slope * b) + offset;
                               },
                               gates<2>(x[0]), x[1]);
                       },
                       [](const Tensors& x) {
                           return each(gate(x[0], 0, 2), x[1], gate(x[0], 1, 2),
                                       [](double s, double b, double o) { return std::tanh(s * b) + o; });
                       })
                       .of({{{2}, {5}},
                            {{3, 2}, {3, 4}},
                            {{3, 2}, {4}},
                            {{3, 1, 4}, {5, 2}},
                            {{2}, {3, 1}},
                            {{2}, {0}}}));
}

}  // namespace

std::vector<Row> map_rows() {
    std::vector<Row> rows;
    add_plain(rows);
    add_gated(rows);
    add_wide_gates(rows);
    rows.push_back(unary(
        "identity", [](auto x) { return tapeloop::detail::identity(x); }, [](double x) { return x; }));
    return rows;
}

std::vector<Row> custom_rows() {
    std::vector<Row> rows;
    rows.push_back(unary(
        "custom",
        [](auto x) {
            static const auto cube = custom(
                "cube", [](const auto& v) { return v * v * v; },
                [](const auto& g, const auto&, const auto& v) { return 3 * g * v * v; });
            return cube(x);
        },
        [](double x) { return x * x * x; }));
    // The rules leave broadcasting to the sweep; the value goes by xtensor.
    rows.push_back(
        binary(
            "custom",
            [](auto a, auto b) {
                static const auto weighted = custom(
                    "weighted", [](const auto& p, const auto& q) { return p * exp(q); },
                    [](const auto& g, const auto&, const auto&, const auto& q) { return g * exp(q); },
                    [](const auto& g, const auto& y, const auto&, const auto&) { return g * y; });
                return weighted(a, b);
            },
            [](double a, double b) { return a * std::exp(b); })
            .named_in_errors("weighted"));
    rows.push_back(row(
                       "custom",
                       [](const auto& x) {
                           static const auto product = custom(
                               "product", [](const auto& a, const auto& b) { return matmul(a, b); },
                               [](const auto& g, const auto&, const auto&, const auto& b) {
                                   return matmul(g, b, {false, true});
                               },
                               [](const auto& g, const auto&, const auto& a, const auto&) {
                                   return matmul(a, g, {true, false});
                               });
                           return product(x[0], x[1]);
                       },
                       [](const Tensors& x) {
                           return generate({x[0].shape()[0], x[1].shape()[1]}, [&](const Position& position) {
                               double total = 0;
                               for (std::size_t k = 0; k < x[0].shape()[1]; ++k)
                                   total += at(x[0], {position[0], k}) * at(x[1], {k, position[1]});
                               return total;
                           });
                       })
                       .of({{{3, 4}, {4, 2}}, {{3, 3}, {3, 3}}, {{2, 0}, {0, 3}}}));
    return rows;
}

}  // namespace tapeloop::test
