#include <tests/autograd/check/planted.hpp>
#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/fault.hpp>

namespace tapeloop::test {
namespace {

using D = Var<double>;
using Kind = Fault::Kind;

struct Function {
    std::string operation;
    Shape shape;
    std::function<D(const D&)> f;
};

const std::vector<Function>& functions() {
    static const std::vector<Function> all{
        {"tanh", {3, 3}, [](const D& x) { return square(tanh(2 * x)); }},
        {"sigmoid", {3, 3}, [](const D& x) { return exp(sigmoid(x + 1)); }},
        {"exp", {3, 3}, [](const D& x) { return sin(exp(2 * x)); }},
        {"log", {3, 3}, [](const D& x) { return tanh(log(2 + square(x))); }},
        {"sin", {3, 3}, [](const D& x) { return square(1 + sin(3 * x)); }},
        {"cos", {3, 3}, [](const D& x) { return tanh(cos(2 * x)); }},
        {"sqrt", {3, 3}, [](const D& x) { return tanh(sqrt(2 + square(x))); }},
        {"square", {3, 3}, [](const D& x) { return tanh(square(1 + x)); }},
        {"softplus", {3, 3}, [](const D& x) { return tanh(softplus(2 * x)); }},
        {"softmax", {3, 3}, [](const D& x) { return square(1 + softmax(2 * x)); }},
        {"log_softmax", {3, 3}, [](const D& x) { return tanh(log_softmax(2 * x)); }},
        {"logsumexp", {3, 4}, [](const D& x) { return tanh(logsumexp(2 * x, 1)); }},
        {"divide", {3, 3}, [](const D& x) { return tanh((1 + x) / 3.0); }},
        {"multiply", {3, 3}, [](const D& x) { return tanh(sin(x) * cos(x)); }},
        {"matmul",
         {3, 3},
         [](const D& x) {
             return tanh(matmul(x, Random(8).tensor({3, 3})));
         }},
        {"transpose", {3, 3}, [](const D& x) { return tanh(transpose(sin(x))); }},
        {"reshape",
         {3, 4},
         [](const D& x) {
             return tanh(reshape(sin(x), {2, 6}));
         }},
        {"cumsum", {3, 4}, [](const D& x) { return tanh(cumsum(sin(x), 0)); }},
    };
    return all;
}

GradientReport check_with(const Fault& fault, const Function& function, const CheckOptions& options) {
    const InjectedFault<double> injected(fault);
    return check_gradient(function.f, {{"x", Random(7).tensor(function.shape)}}, options);
}

}  // namespace

std::vector<Planted> planted_faults() {
    const std::vector<std::pair<Kind, Diagnosis>> kinds{{Kind::flip_sign, Diagnosis::sign},
                                                        {Kind::drop, Diagnosis::no_gradient},
                                                        {Kind::scale, Diagnosis::factor},
                                                        {Kind::transpose, Diagnosis::transposed}};
    std::vector<Planted> all;
    for (const Function& function : functions())
        for (const auto& [kind, diagnosis] : kinds) {
            if (kind == Kind::transpose && function.shape[0] != function.shape[1]) continue;
            const Fault fault{.kind = kind, .operation = function.operation, .argument = 0, .factor = 1.7};
            Planted one{fault.text(), diagnosis, [fault, &function](const CheckOptions& options) {
                            return check_with(fault, function, options);
                        }};
            one.place = function.operation;
            all.push_back(std::move(one));
        }
    return all;
}

}  // namespace tapeloop::test
