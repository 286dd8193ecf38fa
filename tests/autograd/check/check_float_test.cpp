#include <tests/autograd/check/right_functions.hpp>
#include <tests/autograd/check/seeds.hpp>
#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check.hpp>

// A rule that is wrong in float alone: by how little, in which operations and sizes it is found; and what
// rounding in float makes of right ones.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

struct OfBoth {
    RightFunction function;
    std::vector<std::string> operations;  ///< whose rules are made wrong, one at a time
};

GradientReport float_beside_double(const RightFunction& function, std::uint64_t seed = 1) {
    std::vector<CheckInput<float>> inputs;
    for (const CheckInput<double>& one : function.inputs.list())
        inputs.emplace_back(one.name, rounded<float>(one.value));
    const CheckOptions options{
        .seed = seed, .mode = CheckMode::directions, .directions = 1, .elsewhere = false, .diagnose = false};
    return tapeloop::detail::check_in_both(function.in_float, function.in_double, inputs, options);
}

std::vector<OfBoth> functions_of_both(const Shape& shape) {
    const Tensor<double> x = Random(1).tensor(shape);
    const Tensor<double> w = Random(2).tensor(shape);
    const auto of = [&](const std::string& name, const auto& f, std::vector<std::string> operations) {
        return OfBoth{RightFunction(name + " of " + shape.text(), f, x), std::move(operations)};
    };
    const auto of_two = [&](const std::string& name, const auto& f, std::vector<std::string> operations) {
        return OfBoth{RightFunction(name + " of " + shape.text(), f, x, w), std::move(operations)};
    };
    return {
        of("tanh", [](const auto& v) { return tanh(2 * v); }, {"tanh"}),
        of("squares of sigmoid", [](const auto& v) { return sum(square(sigmoid(3 * v))); },
           {"sigmoid", "square", "sum"}),
        of("sin of exp", [](const auto& v) { return sin(exp(2 * v)); }, {"sin", "exp"}),
        of("log of sqrt", [](const auto& v) { return log(1 + sqrt(1 + square(v))); }, {"log", "sqrt"}),
        of("softmax", [](const auto& v) { return square(softmax(2 * v)); }, {"softmax"}),
        of("cross entropy", [](const auto& v) { return -sum(slice(log_softmax(3 * v), 1, 0, 1)); },
           {"log_softmax"}),
        of("normalised",
           [](const auto& v) {
               const auto centred = v - mean(v, {-1}, true);
               return centred / sqrt(mean(square(centred), {-1}, true) + 1e-5);
           },
           {"sqrt", "divide"}),
        of("sums on the way", [](const auto& v) { return tanh(cumsum(sin(v), 1)); }, {"cumsum", "sin"}),
        of("deep",
           [](const auto& v) {
               auto y = square(sigmoid(v));
               for (int i = 0; i < 20; ++i) y = tanh(1.1 * y);
               return y;
           },
           {"sigmoid", "tanh"}),
        of("one term of two, a hundredth of the gradient",
           [](const auto& v) { return 50 * square(v) + sin(v); }, {"sin"}),
        of("small", [](const auto& v) { return 1e-6 * tanh(v); }, {"tanh"}),
        of("large", [](const auto& v) { return 1e6 * tanh(v); }, {"tanh"}),
        of_two("matmul", [](const auto& v, const auto& u) { return tanh(matmul(v, transpose(u))); },
               {"matmul", "tanh", "transpose"}),
        of_two("attention",
               [](const auto& v, const auto& u) { return matmul(softmax(matmul(v, transpose(u))), u); },
               {"matmul", "softmax"}),
        of_two("recurrent",
               [](const auto& v, const auto& u) {
                   auto h = tanh(v);
                   for (int t = 0; t < 10; ++t) h = tanh(0.3 * matmul(matmul(h, transpose(u)), u) + v);
                   return h;
               },
               {"tanh", "matmul"}),
    };
}

}  // namespace

TEST_CASE(
    "check of float: a rule that is wrong by 1 % in float alone is found, in every operation and size") {
    for (const Shape& shape : {Shape{2, 3}, Shape{9, 17}})
        for (const OfBoth& one : functions_of_both(shape)) {
            const GradientReport right = float_beside_double(one.function);
            CHECK_MESSAGE(right.passed(), one.function.name << "\n" << right.text());
            for (const std::string& operation : one.operations)
                for (const double factor : {0.99, 1.01, 1.02, 0.95}) {
                    const InjectedFault<float> injected(
                        Fault{.kind = Fault::Kind::scale, .operation = operation, .factor = factor});
                    const GradientReport report = float_beside_double(one.function);
                    CHECK(injected.nodes() != 0);
                    CHECK_MESSAGE(report.has(Diagnosis::float_differs),
                                  one.function.name << ": " << operation << " times " << factor << "\n"
                                                    << report.text());
                }
        }
}

TEST_CASE("check of float: long sums, what cancels and what is saturated are no mistakes") {
    const Tensor<double> many = Random(3).tensor({20'000}, 0, 1);
    const Tensor<double> rows = Random(4).tensor({2, 3'000}, 0, 1);
    const Tensor<double> both = Random(5).tensor({2, 3'000});
    const std::vector<RightFunction> right{
        {"a long sum", [](const auto& v) { return square(sum(v)); }, many},
        {"a long mean of squares", [](const auto& v) { return mean(square(v)); }, many},
        {"long sums on the way", [](const auto& v) { return sum(cumsum(v, 0)); }, many},
        {"a variance far from 0", [](const auto& v) { return variance(v + 30); }, many},
        {"a long product of rows", [](const auto& v) { return sum(matmul(v, transpose(v))); }, rows},
        {"a long product that cancels", [](const auto& v) { return matmul(v, transpose(v)); }, both},
        {"long rows, normalised",
         [](const auto& v) {
             const auto centred = v - mean(v, {-1}, true);
             return square(centred / sqrt(mean(square(centred), {-1}, true)));
         },
         rows},
        {"long softmax", [](const auto& v) { return log(softmax(5 * v)); }, both},
        {"long logsumexp", [](const auto& v) { return logsumexp(v, 1); }, both},
        {"saturated", [](const auto& v) { return tanh(8 * v) + sigmoid(20 * v); }, both},
        {"log of a saturated one", [](const auto& v) { return log(1.0001 - sigmoid(8 * v)); }, rows},
        {"a steep exp", [](const auto& v) { return exp(60 * v); }, rows},
        {"roots of small ones", [](const auto& v) { return sqrt(1e-6 * v + 1e-9); }, rows},
        {"a high power", [](const auto& v) { return pow(0.1 + v, 25); }, rows},
        {"angles of many turns", [](const auto& v) { return sin(1000 * v); }, rows},
    };
    std::size_t compared = 0;
    for (const RightFunction& function : right)
        for (const std::uint64_t seed : seeds_to_try(1)) {
            const GradientReport report = float_beside_double(function, seed);
            CHECK_MESSAGE(!report.has(Diagnosis::float_differs), function.name << "\n" << report.text());
            compared += report.float_deviation.has_value() ? 1U : 0U;
        }
    CHECK(compared >= 14 * seeds_to_try(1).size());
}
