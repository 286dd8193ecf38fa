#include <tests/fuzz/catalogue.hpp>

#include <autograd/custom.hpp>
#include <autograd/elementwise.hpp>
#include <autograd/map.hpp>

#include <cmath>
#include <tuple>

namespace tapeloop::fuzz {
namespace {

void add_map_of_one(Builder& builder) {
    const double factor = builder.bytes().between(-4, 4) / 4.0;
    builder.add(call(
        "map([](auto a) { return sin(a) * " + std::to_string(factor) + " + a; }, @0)", {builder.any()},
        [factor](const auto& x) { return map([factor](auto a) { return sin(a) * factor + a; }, x.var(0)); },
        smooth_elementwise,
        [factor](const Tensors& x) {
            return Tensors{test::each(x[0], [factor](double a) { return std::sin(a) * factor + a; })};
        }));
}

void add_map_of_two(Builder& builder) {
    const Id first = builder.any();
    const Id second = builder.bytes().chance(15) ? first : builder.beside(builder.shape(first));
    builder.add(call(
        "map([](auto a, auto b) { return std::tuple{tanh(a) * b, a + b, exp(-square(b))}; }, @0, @1)",
        {first, second},
        [](const auto& x) {
            return map(
                [](auto a, auto b) {
                    return std::tuple{tanh(a) * b, a + b, exp(-square(b))};
                },
                x.var(0), x.var(1));
        },
        smooth_elementwise,
        [](const Tensors& x) {
            return Tensors{
                test::each(x[0], x[1], [](double a, double b) { return std::tanh(a) * b; }),
                test::each(x[0], x[1], [](double a, double b) { return a + b; }),
                test::each(x[0], x[1], [](double a, double b) { return std::exp(-b * b) + 0 * a; })};
        }));
}

/// A number, and a choice between branches.
void add_map_of_three(Builder& builder) {
    const Id first = builder.any();
    const Id second = builder.beside(builder.shape(first));
    const Id third = builder.beside(builder.shape(second));
    builder.add(call(
        "map([](auto a, auto b, auto c, auto d) { auto e = a * d; return where(e < b, maximum(a, c), b * c); "
        "}, "
        "@0, @1, @2, 0.75)",
        {first, second, third},
        [](const auto& x) {
            return map(
                [](auto a, auto b, auto c, auto d) {
                    auto e = a * d;
                    return where(e < b, maximum(a, c), b * c);
                },
                x.var(0), x.var(1), x.var(2), 0.75);
        },
        only_elementwise));
}

/// An LSTM's gates, as the state of the last step may broadcast.
void add_map_of_gates(Builder& builder) {
    Bytes& bytes = builder.bytes();
    const std::size_t rows = bytes.below(4);
    const std::size_t hidden = bytes.below(6);
    const Id gates_of = builder.of_shape({rows, 4 * hidden});
    const Id state = builder.beside({rows, hidden});
    builder.add(call(
        "map([](auto a, auto c) { auto [i, f, g, o] = a; auto next = sigmoid(f) * c + sigmoid(i) * tanh(g); "
        "return std::tuple{sigmoid(o) * tanh(next), next}; }, gates<4>(@0), @1)",
        {gates_of, state},
        [](const auto& x) {
            return map(
                [](auto a, auto c) {
                    auto [i, f, g, o] = a;
                    auto next = sigmoid(f) * c + sigmoid(i) * tanh(g);
                    return std::tuple{sigmoid(o) * tanh(next), next};
                },
                gates<4>(x.var(0)), x.var(1));
        },
        smooth));
}

/// Nine arguments, some of them the same.
void add_map_of_many(Builder& builder) {
    const Id first = builder.any();
    const Id second = builder.beside(builder.shape(first));
    builder.add(call(
        "map([](auto a, auto b, auto c, auto d, auto e, auto f, auto g, auto h, auto i) { return a * b + c * "
        "d + e "
        "* f + g * h + i; }, @0, @1, @0, @1, 0.5, @1, @1, @0, @0)",
        {first, second},
        [](const auto& x) {
            return map([](auto a, auto b, auto c, auto d, auto e, auto f, auto g, auto h,
                          auto i) { return a * b + c * d + e * f + g * h + i; },
                       x.var(0), x.var(1), x.var(0), x.var(1), 0.5, x.var(1), x.var(1), x.var(0), x.var(0));
        },
        smooth_elementwise,
        [](const Tensors& x) {
            return Tensors{
                test::each(x[0], x[1], [](double a, double b) { return 2 * a * b + 0.5 * b + b * a + a; })};
        }));
}

void add_custom(Builder& builder) {
    const Id first = builder.any();
    const Id second = builder.bytes().chance(15) ? first : builder.beside(builder.shape(first));
    builder.add(call(
        "custom(\"weighted\", a * sin(b), g * sin(b), g * a * cos(b))(@0, @1)", {first, second},
        [](const auto& x) {
            static const auto weighted = custom(
                "weighted", [](const auto& p, const auto& q) { return p * sin(q); },
                [](const auto& g, const auto&, const auto&, const auto& q) { return g * sin(q); },
                [](const auto& g, const auto&, const auto& p, const auto& q) { return g * p * cos(q); });
            return weighted(x.var(0), x.var(1));
        },
        smooth,
        [](const Tensors& x) {
            return Tensors{test::each(x[0], x[1], [](double a, double b) { return a * std::sin(b); })};
        }));
}

struct Softsign {
    static constexpr std::string_view name = "softsign";
    static auto value(const auto& x) { return x / (1 + abs(x)); }
    static auto slope(const auto&, const auto& x) { return 1 / square(1 + abs(x)); }
};

void add_own_elementwise(Builder& builder) {
    builder.add(call(
        "elementwise(Softsign{}, $0)", {builder.any()},
        [](const auto& x) { return elementwise(Softsign{}, x[0]); }, only_elementwise,
        [](const Tensors& x) {
            return Tensors{test::each(x[0], [](double a) { return a / (1 + std::abs(a)); })};
        }));
}

}  // namespace

std::vector<Entry> map_entries() {
    return {{"map of one", add_map_of_one},      {"map of two", add_map_of_two},
            {"map of three", add_map_of_three},  {"map of gates", add_map_of_gates},
            {"map of many", add_map_of_many},    {"custom", add_custom},
            {"elementwise", add_own_elementwise}};
}

}  // namespace tapeloop::fuzz
