#pragma once

#include <tests/numeric.hpp>

#include <autograd/gradient.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

/// The table of all operations. A row says how to call one, on what, and what must come out by an independent
/// computation; the driver does all the rest. Every public operation has a row, or a test fails.
namespace tapeloop::test {

template <class T>
using Vars = std::vector<Var<T>>;
template <class T>
using Call = std::function<Vars<T>(const Vars<T>&)>;

/// The set from which an argument's elements are drawn. Those of one sample keep a distance from each other,
/// from both ends, and from the quarters of the interval, so that kinks and ties may lie there.
struct Domain {
    double low = -2;
    double high = 2;
    /// Zeros and ones, which are not to be differentiated by.
    bool is_flag = false;
};

/// Shapes that must be refused, and what the error has to say besides the operation's name and the test's own
/// line.
struct Rejection {
    std::vector<Shape> shapes;
    std::vector<std::string> fragments;
};

/// Shapes for which a prefix of the arguments along one axis gives the same prefix of the result, to the last
/// bit.
struct Independence {
    std::function<std::vector<Shape>(std::size_t extent)> shapes;
    std::size_t axis = 0;
    std::size_t result_axis = 0;
};

struct Row {
    std::string name;
    /// The places of the row and of its call.
    CallSite site;
    CallSite call_site;
    Call<double> call;
    Call<float> call_float;
    std::function<Tensors(const Tensors&)> reference;

    std::vector<Domain> domains;
    /// The arguments' shapes, sample by sample.
    std::vector<std::vector<Shape>> samples;
    std::vector<Rejection> rejections;
    std::vector<Independence> independences;
    /// The name by which its errors call it.
    std::string error_name;
    bool takes_any_shape = false;
    bool passes_no_gradient = false;
    /// The largest distance of `float` from `double`, in units of the last place of a `float`.
    double float_ulps = 16;

    /// Makes a row readable: `row(...).of({{{3, 4}, {4}}}).rejects({{2}, {3}})`.
    Row of(std::vector<std::vector<Shape>> shapes) &&;
    Row from(std::vector<Domain> where) &&;
    Row rejects(std::vector<Shape> shapes, std::vector<std::string> fragments = {}) &&;
    Row named_in_errors(std::string other) &&;
    Row within_ulps(double ulps) &&;
    Row without_gradient() &&;
    Row with_any_shape() &&;
    /// Element i of the results depends on element i of the arguments alone.
    Row elementwise() &&;
    /// Prefixes along `axis` of arguments with these shapes are independent; see `Independence`.
    Row independent(std::size_t axis, std::size_t result_axis,
                    std::function<std::vector<Shape>(std::size_t)> shapes) &&;

    std::string text() const { return name + " (line " + std::to_string(site.line()) + ")"; }
};

namespace as_lists {

template <class V>
std::vector<V> as_list(const V& one) {
    return {one};
}
template <class V>
std::vector<V> as_list(const std::vector<V>& several) {
    return several;
}
template <class V, std::size_t n>
std::vector<V> as_list(const std::array<V, n>& several) {
    return {several.begin(), several.end()};
}

}  // namespace as_lists

/// `call` takes a list of Vars, generically; `reference` a list of tensors. Both give one result or several.
template <class F, class Reference>
Row row(std::string name, F call, Reference reference, CallSite site = CallSite::current(),
        CallSite call_site = CallSite::current()) {
    Row result;
    result.error_name = name;
    result.name = std::move(name);
    result.site = site;
    result.call_site = call_site;
    result.call = [call](const Vars<double>& x) { return as_lists::as_list(call(x)); };
    result.call_float = [call](const Vars<float>& x) { return as_lists::as_list(call(x)); };
    result.reference = [reference](const Tensors& x) { return as_lists::as_list(reference(x)); };
    return result;
}

/// The shapes that every elementwise operation of one or two arguments is run on.
std::vector<std::vector<Shape>> unary_samples();
std::vector<std::vector<Shape>> broadcast_samples();

template <class F>
Row unary(std::string name, F call, std::function<double(double)> reference, Domain domain = {},
          CallSite site = CallSite::current()) {
    return row(
               std::move(name), [call](const auto& x) { return call(x[0]); },
               [reference](const Tensors& x) { return each(x[0], reference); }, site, site)
        .of(unary_samples())
        .from({domain})
        .with_any_shape()
        .elementwise();
}
template <class F>
Row binary(std::string name, F call, std::function<double(double, double)> reference, Domain a = {},
           Domain b = {}, CallSite site = CallSite::current()) {
    return row(
               std::move(name), [call](const auto& x) { return call(x[0], x[1]); },
               [reference](const Tensors& x) { return each(x[0], x[1], reference); }, site, site)
        .of(broadcast_samples())
        .from({a, b})
        .rejects({{3, 4}, {3}})
        .rejects({{2, 3, 4}, {3, 1, 4}})
        .rejects({{2}, {0}})
        .elementwise();
}

// The rows, by topic.
std::vector<Row> elementwise_rows();
std::vector<Row> operator_rows();
std::vector<Row> linalg_rows();
std::vector<Row> reduce_rows();
std::vector<Row> shape_rows();
std::vector<Row> join_rows();
std::vector<Row> index_rows();
std::vector<Row> scan_rows();
std::vector<Row> order_rows();
std::vector<Row> einsum_rows();
std::vector<Row> conv_rows();
std::vector<Row> map_rows();
std::vector<Row> custom_rows();

const std::vector<Row>& all_rows();

/// The arguments with which the driver runs a sample.
Tensors arguments_of(const Row& row, std::size_t sample);

/// The row with one Var for both of these arguments, on the samples in which they have the same shape.
Row with_same_variable(const Row& row, std::size_t first, std::size_t second);

/// Returns what is wrong, one line each; nothing if all is well.
using Problems = std::vector<std::string>;

/// The value against the reference.
Problems check_values(const Row& row);
/// The gradient, with random cotangents, against differences of the reference.
Problems check_first_order(const Row& row);
/// `gradient_graph` against `gradient`; and the gradient of a random projection of it, by arguments and
/// cotangents, against differences.
Problems check_second_order(const Row& row);
/// Every subset of the arguments tracked, the others constant: the same bits, and nothing for those not asked
/// for.
Problems check_subsets(const Row& row);
/// `float` against `double`: values and gradients, first-order and recorded.
Problems check_float(const Row& row);
/// The bits of an element, and of its gradient, wherever it stands.
Problems check_positions(const Row& row);
/// Returns whether wrong shapes are refused with a text that says all there is to say, and nothing is
/// recorded.
Problems check_rejections(const Row& row);

}  // namespace tapeloop::test
