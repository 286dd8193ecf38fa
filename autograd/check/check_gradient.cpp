#include <fmt/format.h>
#include <autograd/check/check_float.hpp>
#include <autograd/check/check_forward.hpp>
#include <autograd/check/check_gradient.hpp>
#include <autograd/check/examine.hpp>
#include <autograd/check/judge/differences.hpp>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/locate/diagnosis.hpp>
#include <autograd/check/second_order.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

namespace tapeloop::detail {
namespace {

template <class T>
void require_inputs(const CheckInputs<T>& inputs, const CheckOptions& options) {
    if (inputs.size() == 0) throw std::invalid_argument("check_gradient: there are no inputs to check");
    if (options.order != 1 && options.order != 2)
        throw std::invalid_argument(
            fmt::format("check_gradient: order is {}; it must be 1 or 2", options.order));
    if (options.directions == 0)
        throw std::invalid_argument(
            "check_gradient: directions is 0; a large input needs at least one, or a higher full_limit");
}

bool compares_anything(const GradientReport& report) {
    return std::any_of(report.inputs.begin(), report.inputs.end(),
                       [](const CheckedInput& input) { return input.compared + input.directions != 0; });
}

template <class T>
GradientReport check(const CheckFunction<T>& f, const CheckInputs<T>& inputs, const CheckOptions& options) {
    require_inputs(inputs, options);
    GradientReport report;
    report.seed = seed_of(options);
    report.in_double = sizeof(T) == 8;
    if (!report.in_double)
        report.warnings.emplace_back(
            "computed in float: differences are good to about two digits. Check in double if you can: by a "
            "generic lambda of tensors, or a model that is a template");
    for (int order = 1; order <= options.order && report.passed(); ++order) {
        Subject<T> subject(f, inputs, order, report.seed);
        examine(report, subject, options);
        const bool is_settled =
            !report.has(Diagnosis::non_deterministic) && !report.has(Diagnosis::not_finite);
        if (order == 1 && is_settled && options.forward) check_forward(report, subject, options);
        if (order == 2 && is_settled) check_products(report, subject);
        report.evaluations += subject.evaluations();
    }
    if (report.passed() && !compares_anything(report))
        report.warnings.emplace_back("nothing was compared: f's results, or all inputs, have no elements");
    return report;
}

}  // namespace

GradientReport check_function(const CheckFunction<float>& f, const CheckInputs<float>& inputs,
                              const CheckOptions& options) {
    return check(f, inputs, options);
}
GradientReport check_function(const CheckFunction<double>& f, const CheckInputs<double>& inputs,
                              const CheckOptions& options) {
    return check(f, inputs, options);
}

GradientReport check_in_both(const CheckFunction<float>& in_float, const CheckFunction<double>& in_double,
                             const CheckInputs<float>& inputs, const CheckOptions& options) {
    const CheckInputs<double> doubled = detail::in_double(inputs);
    GradientReport report = check_function(in_double, doubled, options);
    if (report.passed()) check_float(report, in_float, inputs, in_double, doubled);
    return report;
}

std::uint64_t seed_of(const CheckOptions& options) {
    if (options.seed.has_value()) return *options.seed;
    const char* given = std::getenv("TAPELOOP_CHECK_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

CheckInputs<double> in_double(const CheckInputs<float>& inputs) {
    std::vector<CheckInput<double>> list;
    for (const CheckInput<float>& one : inputs.list()) {
        Tensor<double> value = uninitialised<double>(one.shape());
        std::copy(one.value.begin(), one.value.end(), value.begin());
        list.emplace_back(one.name, value, one.info);
    }
    return list;
}
}  // namespace tapeloop::detail
