#include <tests/fuzz/catalogue.hpp>

#include <autograd/ops/elementwise.hpp>

#include <fmt/format.h>

#include <cmath>

namespace tapeloop::fuzz {
namespace {

using Plain = double (*)(double);
using PlainOfTwo = double (*)(double, double);

std::function<Tensors(const Tensors&)> each_of(std::function<double(double)> f) {
    return [f](const Tensors& x) { return Tensors{test::each(x[0], f)}; };
}
std::function<Tensors(const Tensors&)> each_of(std::function<double(double, double)> f) {
    return [f](const Tensors& x) { return Tensors{test::each(x[0], x[1], f)}; };
}

enum class Takes { anything, positive };

template <class F>
void add_unary(Builder& builder, const char* name, const F& f, Promise promise, Takes takes,
               std::function<double(double)> reference) {
    Id argument = builder.any();
    if (takes == Takes::positive) {
        argument = builder.positive(argument);
        promise = builder.where_positive(argument, promise);
    }
    builder.add(call(fmt::format("{}($0)", name), {argument}, f, promise, each_of(std::move(reference))));
}

#define TAPELOOP_FUZZ_UNARY(name, promise, takes, ...)                                                \
    Entry {                                                                                           \
#name, [](Builder & builder) {                                                                      \
            add_unary(                                                                                      \
                builder, #name, [](const auto& x) { return name(x[0]); }, promise, Takes::takes,            \
                [](double x) -> double { return __VA_ARGS__; });                                            \
        } \
    }

std::vector<Entry> unary_entries() {
    return {
        TAPELOOP_FUZZ_UNARY(negate, smooth_elementwise, anything, -x),
        TAPELOOP_FUZZ_UNARY(square, smooth_elementwise, anything, x * x),
        TAPELOOP_FUZZ_UNARY(sqrt, smooth_elementwise, positive, std::sqrt(x)),
        TAPELOOP_FUZZ_UNARY(exp, smooth_elementwise, anything, std::exp(x)),
        TAPELOOP_FUZZ_UNARY(log, smooth_elementwise, positive, std::log(x)),
        TAPELOOP_FUZZ_UNARY(expm1, smooth_elementwise, anything, std::expm1(x)),
        TAPELOOP_FUZZ_UNARY(log1p, smooth_elementwise, positive, std::log1p(x)),
        TAPELOOP_FUZZ_UNARY(sin, smooth_elementwise, anything, std::sin(x)),
        TAPELOOP_FUZZ_UNARY(cos, smooth_elementwise, anything, std::cos(x)),
        TAPELOOP_FUZZ_UNARY(tanh, smooth_elementwise, anything, std::tanh(x)),
        TAPELOOP_FUZZ_UNARY(sigmoid, smooth_elementwise, anything, 1 / (1 + std::exp(-x))),
        TAPELOOP_FUZZ_UNARY(erf, smooth_elementwise, anything, std::erf(x)),
        TAPELOOP_FUZZ_UNARY(erfc, smooth_elementwise, anything, std::erfc(x)),
        TAPELOOP_FUZZ_UNARY(gelu, smooth_elementwise, anything, x * std::erfc(-x / std::sqrt(2.0)) / 2),
        TAPELOOP_FUZZ_UNARY(silu, smooth_elementwise, anything, x / (1 + std::exp(-x))),
        TAPELOOP_FUZZ_UNARY(softplus, smooth_elementwise, anything,
                            std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)))),
        TAPELOOP_FUZZ_UNARY(log_sigmoid, smooth_elementwise, anything,
                            std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x)))),
        TAPELOOP_FUZZ_UNARY(hard_sigmoid, only_elementwise, anything,
                            std::min(std::max((x + 3) / 6, 0.0), 1.0)),
        TAPELOOP_FUZZ_UNARY(relu, only_elementwise, anything, std::isnan(x) ? x : std::max(x, 0.0)),
        TAPELOOP_FUZZ_UNARY(abs, only_elementwise, anything, std::abs(x)),
        TAPELOOP_FUZZ_UNARY(floor, only_elementwise, anything, std::floor(x)),
        TAPELOOP_FUZZ_UNARY(ceil, only_elementwise, anything, std::ceil(x)),
        TAPELOOP_FUZZ_UNARY(round, only_elementwise, anything, std::nearbyint(x)),
        TAPELOOP_FUZZ_UNARY(sign, only_elementwise, anything,
                            x > 0    ? 1
                            : x < 0  ? -1
                            : x == 0 ? 0
                                     : x),
    };
}
#undef TAPELOOP_FUZZ_UNARY

double amount(Builder& builder) { return builder.bytes().between(-8, 8) / 4.0; }

void add_leaky_relu(Builder& builder) {
    const double leak = amount(builder);
    builder.add(call(
        fmt::format("leaky_relu($0, {})", leak), {builder.any()},
        [leak](const auto& x) { return leaky_relu(x[0], leak); }, only_elementwise,
        each_of([leak](double x) { return x > 0 ? x : leak * x; })));
}
void add_elu(Builder& builder) {
    const double alpha = amount(builder);
    builder.add(call(
        fmt::format("elu($0, {})", alpha), {builder.any()},
        [alpha](const auto& x) { return elu(x[0], alpha); }, only_elementwise,
        each_of([alpha](double x) { return x > 0 ? x : alpha * std::expm1(x); })));
}
void add_clip(Builder& builder) {
    const double low = amount(builder);
    // Some are refused. Where both are equal the slope on them is 1 by convention, and no difference is.
    const double other = amount(builder);
    const double high = other == low ? low + 0.25 : other;
    builder.add(call(
        fmt::format("clip($0, {}, {})", low, high), {builder.any()},
        [=](const auto& x) { return clip(x[0], low, high); }, only_elementwise,
        each_of([=](double x) { return std::min(std::max(x, low), high); })));
}
void add_power(Builder& builder) {
    const int exponent = builder.bytes().between(-2, 4);
    const Id argument = exponent < 0 ? builder.positive(builder.any()) : builder.any();
    builder.add(call(
        fmt::format("pow($0, {})", exponent), {argument},
        [exponent](const auto& x) { return pow(x[0], exponent); },
        exponent < 0 ? builder.where_positive(argument, smooth_elementwise) : smooth_elementwise,
        each_of([exponent](double x) { return std::pow(x, exponent); })));
}
void add_power_of_both(Builder& builder) {
    const Id argument = builder.positive(builder.any());
    builder.add(call(
        "pow($0, $1)", {argument, builder.beside(builder.shape(argument))},
        [](const auto& x) { return pow(x[0], x[1]); }, builder.where_positive(argument, smooth_elementwise),
        each_of([](double x, double p) { return std::pow(x, p); })));
}

template <class F>
void add_binary(Builder& builder, const char* text, const F& f, Promise promise, Takes takes,
                std::function<double(double, double)> reference) {
    const Id first = builder.any();
    Id second = builder.bytes().chance(10) ? first : builder.beside(builder.shape(first));
    if (takes == Takes::positive) {
        second = builder.positive(second);
        promise = builder.where_positive(second, promise);
    }
    builder.add(call(text, {first, second}, f, promise, each_of(std::move(reference))));
}

#define TAPELOOP_FUZZ_BINARY(text, expression, promise, takes, ...)                             \
    Entry {                                                                                     \
        text, [](Builder& builder) {                                                            \
            add_binary(                                                                         \
                builder, text, [](const auto& x) { return expression; }, promise, Takes::takes, \
                [](double a, double b) -> double { return __VA_ARGS__; });                      \
        }                                                                                       \
    }

double remainder_with_sign_of(double a, double b) {
    const double rest = std::fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

std::vector<Entry> binary_entries() {
    return {
        TAPELOOP_FUZZ_BINARY("add($0, $1)", add(x[0], x[1]), smooth_elementwise, anything, a + b),
        TAPELOOP_FUZZ_BINARY("subtract($0, $1)", subtract(x[0], x[1]), smooth_elementwise, anything, a - b),
        TAPELOOP_FUZZ_BINARY("multiply($0, $1)", multiply(x[0], x[1]), smooth_elementwise, anything, a * b),
        TAPELOOP_FUZZ_BINARY("divide($0, $1)", divide(x[0], x[1]), smooth_elementwise, positive, a / b),
        TAPELOOP_FUZZ_BINARY("scale($0, $1)", scale(x[0], x[1]), smooth_elementwise, anything, a * b),
        TAPELOOP_FUZZ_BINARY("mod($0, $1)", mod(x[0], x[1]), only_elementwise, positive,
                             remainder_with_sign_of(a, b)),
        TAPELOOP_FUZZ_BINARY("maximum($0, $1)", maximum(x[0], x[1]), only_elementwise, anything,
                             a > b ? a : b),
        TAPELOOP_FUZZ_BINARY("minimum($0, $1)", minimum(x[0], x[1]), only_elementwise, anything,
                             a < b ? a : b),
        TAPELOOP_FUZZ_BINARY("less($0, $1)", less(x[0], x[1]), only_elementwise, anything, a < b),
        TAPELOOP_FUZZ_BINARY("less_equal($0, $1)", less_equal(x[0], x[1]), only_elementwise, anything,
                             a <= b),
        TAPELOOP_FUZZ_BINARY("equal($0, $1)", equal(x[0], x[1]), only_elementwise, anything, a == b),
        TAPELOOP_FUZZ_BINARY("@0 + $1", x.var(0) + x[1], smooth_elementwise, anything, a + b),
        TAPELOOP_FUZZ_BINARY("$0 - @1", x[0] - x.var(1), smooth_elementwise, anything, a - b),
        TAPELOOP_FUZZ_BINARY("@0 * @1", x.var(0) * x.var(1), smooth_elementwise, anything, a * b),
        TAPELOOP_FUZZ_BINARY("$0 / @1", x[0] / x.var(1), smooth_elementwise, positive, a / b),
        TAPELOOP_FUZZ_BINARY("-(@0) * (@1 > @0)", -x.var(0) * (x.var(1) > x.var(0)), Promise{}, anything,
                             -a * (b > a)),
        TAPELOOP_FUZZ_BINARY("(@0 < $1) + (@0 <= $1) + (@0 >= $1)",
                             (x.var(0) < x[1]) + (x.var(0) <= x[1]) + (x.var(0) >= x[1]), Promise{}, anything,
                             (a < b) + (a <= b) + (a >= b)),
    };
}
#undef TAPELOOP_FUZZ_BINARY

void add_assignment(Builder& builder) {
    const Id first = builder.any();
    const Id second = builder.beside(builder.shape(first));
    builder.add(call(
        "[&] { auto y = @0; y += $1; y *= 0.5; y -= @0; y /= 2; return y; }()", {first, second},
        [](const auto& x) {
            auto y = x.var(0);
            y += x[1];
            y *= 0.5;
            y -= x.var(0);
            y /= 2;
            return y;
        },
        smooth_elementwise, each_of([](double a, double b) { return ((a + b) * 0.5 - a) / 2; })));
}
void add_where(Builder& builder) {
    const Id first = builder.any();
    const Id second = builder.beside(builder.shape(first));
    const Id condition = builder.beside(builder.shape(second));
    Call choice = call(
        "where(less($0, 0.5), $1, $2)", {condition, first, second},
        [](const auto& x) { return where(less(x[0], 0.5), x[1], x[2]); }, only_elementwise,
        [](const Tensors& x) {
            return Tensors{
                test::each(x[0], x[1], x[2], [](double c, double a, double b) { return c < 0.5 ? a : b; })};
        });
    choice.is_composed = true;
    builder.add(std::move(choice));
}
/// The branch that is not taken is not finite.
void add_guarded_where(Builder& builder) {
    Call guarded = call(
        "where(less($0, 0.5), 1, log($0 - 0.5))", {builder.any()},
        [](const auto& x) { return where(less(x[0], 0.5), 1, log(subtract(x[0], 0.5))); }, only_elementwise,
        each_of([](double x) { return x < 0.5 ? 1 : std::log(x - 0.5); }));
    guarded.is_composed = true;
    builder.add(std::move(guarded));
}

}  // namespace

std::vector<Entry> elementwise_entries() {
    std::vector<Entry> all = unary_entries();
    for (const Entry& one : binary_entries()) all.push_back(one);
    for (const Entry& one : {Entry{"leaky_relu", add_leaky_relu}, Entry{"elu", add_elu},
                             Entry{"clip", add_clip}, Entry{"pow of a number", add_power},
                             Entry{"pow", add_power_of_both}, Entry{"assignment", add_assignment},
                             Entry{"where", add_where}, Entry{"where, guarding", add_guarded_where}})
        all.push_back(one);
    return all;
}

}  // namespace tapeloop::fuzz
