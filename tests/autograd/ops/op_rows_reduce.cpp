#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/prod.hpp>
#include <autograd/ops/reduce.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace tapeloop::test {
namespace {

using Elements = std::vector<double>;

double sum_of(const Elements& x) {
    double total = 0;
    for (double element : x) total += element;
    return total;
}
double prod_of(const Elements& x) {
    double product = 1;
    for (double element : x) product *= element;
    return product;
}
double mean_of(const Elements& x) { return sum_of(x) / static_cast<double>(x.size()); }
double variance_of(const Elements& x) {
    const double middle = mean_of(x);
    double total = 0;
    for (double element : x) total += (element - middle) * (element - middle);
    return total / static_cast<double>(x.size());
}
double norm_of(const Elements& x) {
    double total = 0;
    for (double element : x) total += element * element;
    return std::sqrt(total);
}
double logsumexp_of(const Elements& x) {
    double total = 0;
    for (double element : x) total += std::exp(element);
    return std::log(total);
}

/// The axes that are reduced, and how the operation is told.
struct Choice {
    Axes axes;
    std::vector<bool> reduced;
    bool keepdims = false;
};

/// Returns what is left of `position` once the reduced axes are taken out, or are 0 with `keepdims`.
Position left_of(const Position& position, const Choice& choice) {
    Position left;
    for (std::size_t axis = 0; axis < position.size(); ++axis) {
        if (!choice.reduced[axis])
            left.push_back(position[axis]);
        else if (choice.keepdims)
            left.push_back(0);
    }
    return left;
}

Tensor<double> reduced(const Tensor<double>& x, const Choice& choice, double (*reduce)(const Elements&)) {
    const Shape shape = shape_of(x);
    Position extents(shape.begin(), shape.end());
    Shape result;
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
        if (!choice.reduced[axis])
            result.append(extents[axis]);
        else if (choice.keepdims)
            result.append(1);
    }
    std::map<Position, Elements> groups;
    generate(shape, [&](const Position& position) {
        groups[left_of(position, choice)].push_back(at(x, position));
        return 0.0;
    });
    return generate(result, [&](const Position& position) { return reduce(groups[position]); });
}

/// The result of a reduction over nothing.
enum class Nothing { is_a_number, is_infinite, is_an_error };

template <class F>
void add_reduction(std::vector<Row>& rows, const std::string& name, F call, double (*reduce)(const Elements&),
                   Nothing nothing, CallSite site = CallSite::current()) {
    const auto add = [&](const Choice& choice, std::vector<std::vector<Shape>> samples) {
        rows.push_back(row(
                           name, [=](const auto& x) { return call(x[0], choice.axes, choice.keepdims); },
                           [=](const Tensors& x) { return reduced(x[0], choice, reduce); }, site, site)
                           .of(std::move(samples))
                           .within_ulps(32));
    };
    for (bool keepdims : {false, true}) {
        add({{}, {true, true, true}, keepdims}, {{{2, 3, 4}}, {{1, 2, 1}}});
        add({0, {true, false, false}, keepdims}, {{{2, 3, 4}}, {{3, 0, 2}}});
        add({-1, {false, false, true}, keepdims}, {{{2, 3, 4}}, {{0, 3, 2}}, {{2, 2, 9}}});
        add({1, {false, true, false}, keepdims}, {{{2, 3, 4}}, {{2, 3, 1}}});
        add({{0, 2}, {true, false, true}, keepdims}, {{{2, 3, 4}}});
        add({{-1, -2}, {false, true, true}, keepdims}, {{{2, 3, 4}}});
        add({{1, 3}, {false, true, false, true, false}, keepdims}, {{{2, 2, 1, 3, 2}}});
        add({{}, {}, keepdims}, {{{}}});
    }
    if (nothing == Nothing::is_a_number) add({1, {false, true}, false}, {{{2, 0}}, {{0, 0}}});

    // A row does not know how many others there are, nor a column that is reduced how many stand beside it.
    Row& rowwise = rows.emplace_back(row(
        name, [=](const auto& x) { return call(x[0], -1, false); },
        [=](const Tensors& x) {
            return reduced(x[0], {-1, {false, true}, false}, reduce);
        },
        site, site));
    rowwise.domains.resize(1);
    rowwise = std::move(rowwise).independent(0, 0, [](std::size_t n) { return std::vector<Shape>{{n, 21}}; });
    Row& columnwise = rows.emplace_back(row(
        name, [=](const auto& x) { return call(x[0], 0, false); },
        [=](const Tensors& x) {
            return reduced(x[0], {0, {true, false}, false}, reduce);
        },
        site, site));
    columnwise.domains.resize(1);
    columnwise = std::move(columnwise).independent(1, 0, [](std::size_t n) {
        return std::vector<Shape>{{5, n}};
    });
    // This one's axis is checked here, and the line where it is given.
    rows.push_back(row(
                       name,
                       [=](const auto& x) {
                           return call(x[0], {2, 0}, false);
                       },
                       [](const Tensors& x) { return x[0]; }, site, site)
                       .rejects({{3, 4}}, {"axis 2", "2 axes"}));
    rows.push_back(row(
                       name,
                       [=](const auto& x) {
                           return call(x[0], {1, -1}, false);
                       },
                       [](const Tensors& x) { return x[0]; }, site, site)
                       .rejects({{3, 4}}, {"axis -1", "twice"}));
    if (nothing == Nothing::is_an_error)
        rows.push_back(row(
                           name, [=](const auto& x) { return call(x[0], 1, false); },
                           [](const Tensors& x) { return x[0]; }, site, site)
                           .rejects({{3, 0}})
                           .rejects({{0, 0}}));
}

Tensor<double> along(const Tensor<double>& x, std::size_t axis,
                     const std::function<double(double, const Elements&)>& f) {
    return generate(shape_of(x), [&](const Position& position) {
        Elements line;
        Position there = position;
        for (there[axis] = 0; there[axis] < x.shape()[axis]; ++there[axis]) line.push_back(at(x, there));
        return f(at(x, position), line);
    });
}

template <class F>
void add_along_axis(std::vector<Row>& rows, const std::string& name, F call,
                    std::function<double(double, const Elements&)> reference,
                    CallSite site = CallSite::current()) {
    for (const auto& [axis, is_axis] : {std::pair{-1, 2U}, {0, 0U}, {-2, 1U}})
        rows.push_back(row(
                           name, [=](const auto& x) { return call(x[0], axis); },
                           [=](const Tensors& x) { return along(x[0], is_axis, reference); }, site, site)
                           .of({{{2, 3, 4}}, {{2, 1, 1}}, {{0, 3, 2}}, {{2, 3, 0}}, {{3, 0, 2}}})
                           .within_ulps(40));
    Row rowwise = row(
        name, [=](const auto& x) { return call(x[0], -1); },
        [=](const Tensors& x) { return along(x[0], 1, reference); }, site, site);
    rows.push_back(std::move(rowwise)
                       .of({{{3, 21}}})
                       .within_ulps(40)
                       .independent(0, 0,
                                    [](std::size_t n) {
                                        return std::vector<Shape>{{n, 21}};
                                    })
                       .rejects({{}}, {"axis -1", "0 axes"}));
}

}  // namespace

std::vector<Row> reduce_rows() {
    std::vector<Row> rows;
    const auto max_of = [](const Elements& x) { return *std::max_element(x.begin(), x.end()); };
    const auto min_of = [](const Elements& x) { return *std::min_element(x.begin(), x.end()); };
    add_reduction(
        rows, "sum", [](const auto& x, const Axes& axes, bool keep) { return sum(x, axes, keep); }, sum_of,
        Nothing::is_a_number);
    add_reduction(
        rows, "prod", [](const auto& x, const Axes& axes, bool keep) { return prod(x, axes, keep); }, prod_of,
        Nothing::is_a_number);
    add_reduction(
        rows, "mean", [](const auto& x, const Axes& axes, bool keep) { return mean(x, axes, keep); }, mean_of,
        Nothing::is_an_error);
    add_reduction(
        rows, "max", [](const auto& x, const Axes& axes, bool keep) { return max(x, axes, keep); }, max_of,
        Nothing::is_an_error);
    add_reduction(
        rows, "min", [](const auto& x, const Axes& axes, bool keep) { return min(x, axes, keep); }, min_of,
        Nothing::is_an_error);
    add_reduction(
        rows, "variance", [](const auto& x, const Axes& axes, bool keep) { return variance(x, axes, keep); },
        variance_of, Nothing::is_an_error);
    add_reduction(
        rows, "norm", [](const auto& x, const Axes& axes, bool keep) { return norm(x, axes, keep); }, norm_of,
        Nothing::is_a_number);
    add_reduction(
        rows, "logsumexp",
        [](const auto& x, const Axes& axes, bool keep) { return logsumexp(x, axes, keep); }, logsumexp_of,
        Nothing::is_infinite);
    add_along_axis(
        rows, "softmax", [](const auto& x, int axis) { return softmax(x, axis); },
        [](double x, const Elements& line) { return std::exp(x - logsumexp_of(line)); });
    add_along_axis(
        rows, "log_softmax", [](const auto& x, int axis) { return log_softmax(x, axis); },
        [](double x, const Elements& line) { return x - logsumexp_of(line); });
    for (const Shape& target :
         {Shape{}, Shape{4}, Shape{3, 1}, Shape{1, 4}, Shape{3, 4}, Shape{2, 3, 4}, Shape{2, 1, 1}})
        rows.push_back(
            row(
                "sum_to", [=](const auto& x) { return sum_to(x[0], target); },
                [=](const Tensors& x) {
                    Tensor<double> result = filled(target, 0);
                    const Shape shape = shape_of(x[0]);
                    // Each element of x is added where its position, broadcast back, lies.
                    const Tensor<double> places = repeated(
                        generate(target, [count = 0.0](const Position&) mutable { return count++; }), shape);
                    for (std::size_t i = 0; i < x[0].size(); ++i)
                        result.data()[static_cast<std::size_t>(places.data()[i])] += x[0].data()[i];
                    return result;
                })
                .of({{{2, 3, 4}}}));
    rows.push_back(row(
                       "sum_to",
                       [](const auto& x) {
                           return sum_to(x[0], {4, 1});
                       },
                       [](const Tensors&) {
                           return filled({4, 1}, 0);
                       })
                       .of({{{4, 0}}})
                       .rejects({{3, 5}}, {"[3, 5]", "[4, 1]"})
                       .rejects({{4}}, {"[4]", "[4, 1]"}));
    return rows;
}

}  // namespace tapeloop::test
