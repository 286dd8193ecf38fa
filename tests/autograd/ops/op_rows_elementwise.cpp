#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/elementwise.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::test {
namespace {

constexpr Domain anything{};
constexpr Domain positive{0.3, 2.5};
constexpr Domain negative{-2.5, -0.3};

void add_arithmetic(std::vector<Row>& rows) {
    rows.push_back(binary(
        "add", [](auto a, auto b) { return add(a, b); }, [](double a, double b) { return a + b; }));
    rows.push_back(binary(
        "subtract", [](auto a, auto b) { return subtract(a, b); }, [](double a, double b) { return a - b; }));
    rows.push_back(binary(
        "multiply", [](auto a, auto b) { return multiply(a, b); }, [](double a, double b) { return a * b; }));
    for (Domain divisor : {positive, negative})
        rows.push_back(binary(
            "divide", [](auto a, auto b) { return divide(a, b); }, [](double a, double b) { return a / b; },
            anything, divisor));
    rows.push_back(binary(
        "scale", [](auto a, auto b) { return scale(a, b); }, [](double a, double b) { return a * b; }));
    rows.push_back(unary(
        "negate", [](auto x) { return negate(x); }, [](double x) { return -x; }));
}

void add_comparisons(std::vector<Row>& rows) {
    rows.push_back(binary(
                       "less", [](auto a, auto b) { return less(a, b); },
                       [](double a, double b) { return a < b ? 1.0 : 0.0; })
                       .without_gradient());
    rows.push_back(binary(
                       "less_equal", [](auto a, auto b) { return less_equal(a, b); },
                       [](double a, double b) { return a <= b ? 1.0 : 0.0; })
                       .without_gradient());
    rows.push_back(binary(
                       "equal", [](auto a, auto b) { return equal(a, b); },
                       [](double a, double b) { return a == b ? 1.0 : 0.0; })
                       .without_gradient());
    rows.push_back(binary(
        "maximum", [](auto a, auto b) { return maximum(a, b); },
        [](double a, double b) { return a > b ? a : b; }));
    rows.push_back(binary(
        "minimum", [](auto a, auto b) { return minimum(a, b); },
        [](double a, double b) { return a < b ? a : b; }));
    rows.push_back(row(
                       "where", [](const auto& x) { return where(x[0], x[1], x[2]); },
                       [](const Tensors& x) {
                           return each(x[0], x[1], x[2],
                                       [](double c, double a, double b) { return c != 0 ? a : b; });
                       })
                       .of({{{3, 4}, {3, 4}, {3, 4}},
                            {{4}, {3, 1}, {2, 1, 4}},
                            {{3, 1}, {}, {4}},
                            {{}, {2, 3}, {3}},
                            {{2, 3}, {}, {}},
                            {{0}, {1}, {}},
                            {{2, 1}, {0}, {1, 1}}})
                       .from({{0, 1, true}, anything, anything})
                       .rejects({{2}, {2}, {3}}, {"[2]", "[3]"})
                       .rejects({{3, 4}, {3}, {3, 4}}, {"[3, 4]", "[3]"})
                       .elementwise());
}

void add_powers(std::vector<Row>& rows) {
    rows.push_back(binary(
                       "pow", [](auto x, auto p) { return pow(x, p); },
                       [](double x, double p) { return std::pow(x, p); }, positive, {-2, 3})
                       .within_ulps(40));
    rows.push_back(unary(
        "pow", [](auto x) { return pow(x, 3.0); }, [](double x) { return x * x * x; }));
    rows.push_back(unary(
        "pow", [](auto x) { return pow(x, -2); }, [](double x) { return 1 / (x * x); }, negative));
    rows.push_back(unary(
        "pow", [](auto x) { return pow(x, 1); }, [](double x) { return x; }));
    rows.push_back(unary(
        "pow", [](auto p) { return pow(2.0, p); }, [](double p) { return std::pow(2.0, p); }));
    rows.push_back(unary(
        "sqrt", [](auto x) { return sqrt(x); }, [](double x) { return std::sqrt(x); }, positive));
    rows.push_back(unary(
        "square", [](auto x) { return square(x); }, [](double x) { return x * x; }));
    rows.push_back(unary(
        "exp", [](auto x) { return exp(x); }, [](double x) { return std::exp(x); }));
    rows.push_back(unary(
        "log", [](auto x) { return log(x); }, [](double x) { return std::log(x); }, positive));
    rows.push_back(unary(
        "expm1", [](auto x) { return expm1(x); }, [](double x) { return std::expm1(x); }));
    rows.push_back(unary(
        "log1p", [](auto x) { return log1p(x); }, [](double x) { return std::log1p(x); }, {-0.7, 2}));
}

void add_curves(std::vector<Row>& rows) {
    rows.push_back(unary(
        "sin", [](auto x) { return sin(x); }, [](double x) { return std::sin(x); }, {-4, 4}));
    rows.push_back(unary(
        "cos", [](auto x) { return cos(x); }, [](double x) { return std::cos(x); }, {-4, 4}));
    rows.push_back(unary(
        "tanh", [](auto x) { return tanh(x); }, [](double x) { return std::tanh(x); }));
    rows.push_back(unary(
        "sigmoid", [](auto x) { return sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); },
        {-4, 4}));
    rows.push_back(unary(
        "softplus", [](auto x) { return softplus(x); }, [](double x) { return std::log(1 + std::exp(x)); },
        {-4, 4}));
}

void add_of_normal_distribution(std::vector<Row>& rows) {
    rows.push_back(unary(
        "erf", [](auto x) { return erf(x); }, [](double x) { return std::erf(x); }));
    rows.push_back(unary(
                       "erfc", [](auto x) { return erfc(x); }, [](double x) { return std::erfc(x); })
                       .within_ulps(16));
    rows.push_back(unary(
                       "gelu", [](auto x) { return gelu(x); },
                       [](double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }, {-3, 3})
                       .within_ulps(16));
}

void add_sigmoids(std::vector<Row>& rows) {
    rows.push_back(unary(
        "silu", [](auto x) { return silu(x); }, [](double x) { return x / (1 + std::exp(-x)); }, {-4, 4}));
    rows.push_back(unary(
        "log_sigmoid", [](auto x) { return log_sigmoid(x); },
        [](double x) { return -std::log1p(std::exp(-x)); }, {-4, 4}));
    rows.push_back(unary(
        "hard_sigmoid", [](auto x) { return hard_sigmoid(x); },
        [](double x) { return std::min(std::max((x + 3) / 6, 0.0), 1.0); }, {-6, 6}));
}

// The samples hold no integers and no zeros.
void add_steps(std::vector<Row>& rows) {
    const auto add = [&](const char* name, auto call, double (*reference)(double)) {
        rows.push_back(unary(name, call, reference, {-4, 4}).without_gradient());
    };
    add(
        "floor", [](auto x) { return floor(x); }, [](double x) { return std::floor(x); });
    add(
        "ceil", [](auto x) { return ceil(x); }, [](double x) { return std::ceil(x); });
    add(
        "round", [](auto x) { return round(x); }, [](double x) { return std::nearbyint(x); });
    add(
        "sign", [](auto x) { return sign(x); }, [](double x) { return x > 0 ? 1.0 : -1.0; });
    // Quotients between 0.6 and 0.9, and between -0.9 and -0.6.
    for (Domain divisor : {Domain{3, 3.3}, Domain{-3.3, -3}})
        rows.push_back(binary(
            "mod", [](auto a, auto b) { return mod(a, b); },
            [](double a, double b) { return a - b * std::floor(a / b); }, {2.1, 2.6}, divisor));
}

// Their kinks are at quarters of the interval, which the samples avoid.
void add_kinks(std::vector<Row>& rows) {
    rows.push_back(unary(
        "abs", [](auto x) { return abs(x); }, [](double x) { return std::abs(x); }));
    rows.push_back(unary(
        "relu", [](auto x) { return relu(x); }, [](double x) { return x > 0 ? x : 0; }));
    rows.push_back(unary(
        "leaky_relu", [](auto x) { return leaky_relu(x); }, [](double x) { return x > 0 ? x : 0.01 * x; }));
    rows.push_back(unary(
        "leaky_relu", [](auto x) { return leaky_relu(x, 0.3); },
        [](double x) { return x > 0 ? x : 0.3 * x; }));
    rows.push_back(unary(
        "elu", [](auto x) { return elu(x); }, [](double x) { return x > 0 ? x : std::exp(x) - 1; }));
    rows.push_back(unary(
        "elu", [](auto x) { return elu(x, 0.4); },
        [](double x) { return x > 0 ? x : 0.4 * (std::exp(x) - 1); }));
    rows.push_back(unary(
        "clip", [](auto x) { return clip(x, -1, 1); }, [](double x) { return x < -1  ? -1
                                                                             : x > 1 ? 1
                                                                                     : x; }));
    rows.push_back(row(
                       "clip", [](const auto& x) { return clip(x[0], 1.0, -1.0); },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{2}}, {"low is 1", "high is -1"}));
}

}  // namespace

std::vector<Row> elementwise_rows() {
    std::vector<Row> rows;
    add_arithmetic(rows);
    add_comparisons(rows);
    add_powers(rows);
    add_curves(rows);
    add_kinks(rows);
    add_of_normal_distribution(rows);
    add_sigmoids(rows);
    add_steps(rows);
    return rows;
}

std::vector<Row> operator_rows() {
    std::vector<Row> rows;
    const auto add_row = [&rows](const char* name, const char* called, auto call, auto reference,
                                 CallSite site = CallSite::current()) {
        rows.push_back(binary(name, call, reference, anything, positive, site).named_in_errors(called));
    };
    add_row(
        "operator+", "add", [](auto a, auto b) { return a + b; }, std::plus<double>());
    add_row(
        "operator-", "subtract", [](auto a, auto b) { return a - b; }, std::minus<double>());
    add_row(
        "operator*", "multiply", [](auto a, auto b) { return a * b; }, std::multiplies<double>());
    add_row(
        "operator/", "divide", [](auto a, auto b) { return a / b; }, std::divides<double>());
    const auto add_comparison = [&rows](const char* name, const char* called, auto call, auto reference,
                                        CallSite site = CallSite::current()) {
        rows.push_back(binary(name, call, reference, anything, anything, site)
                           .named_in_errors(called)
                           .without_gradient());
    };
    add_comparison(
        "operator<", "less", [](auto a, auto b) { return a < b; }, std::less<double>());
    add_comparison(
        "operator<=", "less_equal", [](auto a, auto b) { return a <= b; }, std::less_equal<double>());
    add_comparison(
        "operator>", "less", [](auto a, auto b) { return a > b; }, std::greater<double>());
    add_comparison(
        "operator>=", "less_equal", [](auto a, auto b) { return a >= b; }, std::greater_equal<double>());
    rows.push_back(unary(
        "operator- of one argument", [](auto x) { return -x; }, [](double x) { return -x; }));
    return rows;
}

}  // namespace tapeloop::test
