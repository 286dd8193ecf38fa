#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <stdexcept>

namespace tapeloop::test {

Row Row::of(std::vector<std::vector<Shape>> shapes) && {
    samples = std::move(shapes);
    if (domains.empty() && !samples.empty()) domains.resize(samples.front().size());
    return std::move(*this);
}
Row Row::from(std::vector<Domain> where) && {
    domains = std::move(where);
    return std::move(*this);
}
Row Row::rejects(std::vector<Shape> shapes, std::vector<std::string> fragments) && {
    rejections.push_back({std::move(shapes), std::move(fragments)});
    return std::move(*this);
}
Row Row::named_in_errors(std::string other) && {
    error_name = std::move(other);
    return std::move(*this);
}
Row Row::within_ulps(double ulps) && {
    float_ulps = ulps;
    return std::move(*this);
}
Row Row::without_gradient() && {
    passes_no_gradient = true;
    return std::move(*this);
}
Row Row::with_any_shape() && {
    takes_any_shape = true;
    return std::move(*this);
}
Row Row::elementwise() && {
    const std::size_t count = domains.size();
    // All arguments in full length, and each of them as one element beside the others.
    for (std::size_t single = 0; single <= (count > 1 ? count : 0); ++single)
        independences.push_back({[count, single](std::size_t extent) {
                                     std::vector<Shape> shapes(count, Shape{extent});
                                     if (single > 0) shapes[single - 1] = {};
                                     return shapes;
                                 },
                                 0, 0});
    return std::move(*this);
}
Row Row::independent(std::size_t axis, std::size_t result_axis,
                     std::function<std::vector<Shape>(std::size_t)> shapes) && {
    independences.push_back({std::move(shapes), axis, result_axis});
    return std::move(*this);
}

std::vector<std::vector<Shape>> unary_samples() {
    return {{{}}, {{7}}, {{3, 4}}, {{2, 1, 3}}, {{0}}, {{2, 0}}};
}

std::vector<std::vector<Shape>> broadcast_samples() {
    return {{{3, 4}, {3, 4}},
            {{}, {}},
            {{3, 4}, {4}},
            {{4}, {3, 4}},
            {{3, 1}, {1, 4}},
            {{2, 1, 3}, {4, 1}},
            {{}, {2, 3}},
            {{2, 3}, {}},
            {{1}, {2, 3}},
            {{2, 3}, {3, 1, 1}},
            {{3, 1, 3}, {3, 3, 1}},
            {{2, 1, 3, 1, 2}, {2, 2, 3, 2, 2}},
            {{4, 0}, {4, 1}},
            {{0}, {1}},
            {{0}, {0}}};
}

const std::vector<Row>& all_rows() {
    static const std::vector<Row> rows = [] {
        std::vector<Row> all;
        for (auto topic : {elementwise_rows, operator_rows, linalg_rows, reduce_rows, shape_rows, join_rows,
                           index_rows, scan_rows, order_rows, einsum_rows, conv_rows, map_rows, custom_rows})
            for (Row& one : topic()) all.push_back(std::move(one));
        return all;
    }();
    return rows;
}

Row with_same_variable(const Row& row, std::size_t first, std::size_t second) {
    const auto spread = [first, second](const auto& x) {
        auto all = x;
        all.insert(all.begin() + static_cast<std::ptrdiff_t>(second), x[first]);
        return all;
    };
    Row merged = row;
    merged.call = [call = row.call, spread](const Vars<double>& x) { return call(spread(x)); };
    merged.call_float = [call = row.call_float, spread](const Vars<float>& x) { return call(spread(x)); };
    merged.reference = [reference = row.reference, spread](const Tensors& x) { return reference(spread(x)); };
    merged.domains.erase(merged.domains.begin() + static_cast<std::ptrdiff_t>(second));
    merged.samples.clear();
    for (std::vector<Shape> shapes : row.samples)
        if (shapes[first] == shapes[second]) {
            shapes.erase(shapes.begin() + static_cast<std::ptrdiff_t>(second));
            merged.samples.push_back(shapes);
        }
    return merged;
}

namespace {

/// Elements of the domains, each in a cell of its own of their intervals.
Tensors draw(const std::vector<Shape>& shapes, const std::vector<Domain>& domains, Random& random) {
    std::size_t total = 0;
    for (const Shape& shape : shapes) total += shape.size();
    std::vector<std::size_t> cells((total + 3) / 4 * 4);
    std::iota(cells.begin(), cells.end(), 0U);
    for (std::size_t i = cells.size(); i > 1; --i) std::swap(cells[i - 1], cells[random.below(i)]);

    Tensors values;
    std::size_t next = 0;
    for (std::size_t k = 0; k < shapes.size(); ++k) {
        const auto [low, high, is_flag] = domains[k];
        Tensor<double> value = tapeloop::detail::uninitialised<double>(shapes[k]);
        for (double& element : value) {
            const double place = static_cast<double>(cells[next++]) + random.uniform(0.25, 0.75);
            element = is_flag ? static_cast<double>(random.below(2))
                              : low + (high - low) * place / static_cast<double>(cells.size());
        }
        values.push_back(std::move(value));
    }
    return values;
}

/// One set of arguments, with random directions for whatever needs some.
struct Sample {
    Sample(const Row& row, const std::vector<Shape>& argument_shapes, std::size_t number)
        : shapes(argument_shapes), random(row.name + std::to_string(number)) {
        arguments = draw(shapes, row.domains, random);
        expected = row.reference(arguments);
        for (const Tensor<double>& result : expected) cotangents.push_back(random.tensor(shape_of(result)));
        for (const Shape& shape : shapes) directions.push_back(random.tensor(shape));
        for (std::size_t k = 0; k < shapes.size(); ++k)
            if (row.domains[k].is_flag) directions[k].fill(0);
    }

    std::string text() const {
        std::string list;
        for (const Shape& shape : shapes) list += (list.empty() ? "" : ", ") + shape.text();
        return list;
    }

    std::vector<Shape> shapes;
    Random random;
    Tensors arguments;
    Tensors expected;
    Tensors cotangents;
    Tensors directions;
};

}  // namespace

Tensors arguments_of(const Row& row, std::size_t sample) {
    return Sample(row, row.samples[sample], sample).arguments;
}

namespace {

/// Collects what is wrong, with the row and the sample it is about.
class Report {
  public:
    explicit Report(const Row& row) : row_(row) {}

    template <class F>
    void for_each_sample(F&& f) {
        for (std::size_t number = 0; number < row_.samples.size(); ++number) {
            try {
                Sample sample(row_, row_.samples[number], number);
                about_ = sample.text();
                f(sample);
            } catch (const std::exception& error) {
                note("it throws", error.what());
            }
        }
    }
    void about(std::string text) { about_ = std::move(text); }
    void note(const std::string& what, const std::string& problem) {
        if (!problem.empty())
            problems_.push_back(fmt::format("{}, {}: {}: {}", row_.text(), about_, what, problem));
    }
    Problems problems() && { return std::move(problems_); }

  private:
    const Row& row_;
    std::string about_;
    Problems problems_;
};

template <class T>
Vars<T> inputs_of(const Tensors& arguments) {
    Vars<T> x;
    for (const Tensor<double>& argument : arguments) x.push_back(input(rounded<T>(argument)));
    return x;
}

template <class T>
WrtList<T> wrt_of(const Vars<T>& x) {
    std::vector<Wrt<T>> list(x.begin(), x.end());
    return WrtList<T>(list);
}

template <class T>
const Call<T>& call_of(const Row& row) {
    if constexpr (std::same_as<T, float>)
        return row.call_float;
    else
        return row.call;
}

template <class T>
struct Evaluation {
    Tensors values;
    Tensors gradients;
    Tensors recorded_gradients;
};

template <class T>
std::vector<GradientRoot<T>> roots_of(const Vars<T>& y, const Tensors& cotangents) {
    std::vector<GradientRoot<T>> roots;
    for (std::size_t r = 0; r < y.size(); ++r) roots.push_back({y[r], rounded<T>(cotangents[r])});
    return roots;
}

template <class T>
std::vector<GradientGraphRoot<T>> graph_roots_of(const Vars<T>& y, const Vars<T>& cotangents) {
    std::vector<GradientGraphRoot<T>> roots;
    for (std::size_t r = 0; r < y.size(); ++r) roots.push_back({y[r], cotangents[r]});
    return roots;
}

template <class T>
Evaluation<T> evaluate(const Row& row, const Tensors& arguments, const Tensors& cotangents,
                       bool recorded = false) {
    Tape<T> tape;
    const Vars<T> x = inputs_of<T>(arguments);
    const Vars<T> y = call_of<T>(row)(x);
    Evaluation<T> result;
    for (const Var<T>& one : y) result.values.push_back(as_double(one.value()));
    const Gradients<T> gradients = gradient(roots_of(y, cotangents), wrt_of(x));
    for (const Tensor<T>& one : gradients) result.gradients.push_back(as_double(one));
    if (recorded)
        for (const Var<T>& one : gradient_graph(graph_roots_of(y, inputs_of<T>(cotangents)), wrt_of(x)))
            result.recorded_gradients.push_back(as_double(one.value()));
    return result;
}

void compare(Report& report, const std::string& what, const Tensors& actual, const Tensors& expected,
             double tolerance, double least = 1e-3) {
    if (actual.size() != expected.size())
        return report.note(what, "there are not as many as there should be");
    for (std::size_t k = 0; k < actual.size(); ++k)
        report.note(fmt::format("{} {}", what, k), difference(actual[k], expected[k], tolerance, least));
}

void compare_bits(Report& report, const std::string& what, const Tensor<double>& actual,
                  const Tensor<double>& expected) {
    report.note(what, difference_in_bits(actual, expected));
}

constexpr double value_tolerance = 1e-12;
constexpr double difference_tolerance = 1e-7;
constexpr double agreement_tolerance = 1e-12;

}  // namespace

Problems check_values(const Row& row) {
    Report report(row);
    report.for_each_sample([&](const Sample& sample) {
        Tape<double> tape;
        const Vars<double> y = row.call(inputs_of<double>(sample.arguments));
        Tensors values;
        for (const Var<double>& one : y) values.push_back(one.value());
        compare(report, "value", values, sample.expected, value_tolerance);
    });
    return std::move(report).problems();
}

Problems check_first_order(const Row& row) {
    Report report(row);
    report.for_each_sample([&](const Sample& sample) {
        const auto actual = evaluate<double>(row, sample.arguments, sample.cotangents);
        for (std::size_t k = 0; k < sample.arguments.size(); ++k) {
            const auto projected = [&](const Tensors& x) {
                return inner(row.reference(x), sample.cotangents);
            };
            const bool is_zero = row.passes_no_gradient || row.domains[k].is_flag;
            report.note(
                fmt::format("gradient by argument {}", k),
                difference(actual.gradients[k],
                           is_zero ? filled(sample.shapes[k], 0) : derivative(projected, sample.arguments, k),
                           difference_tolerance));
        }
    });
    return std::move(report).problems();
}

namespace {

/// The gradient of <directions, gradient_graph(...)> by the arguments, and behind them by the cotangents.
Tensors second_order(Report& report, const Row& row, const Sample& sample) {
    Tape<double> tape;
    const Vars<double> x = inputs_of<double>(sample.arguments);
    const Vars<double> cotangents = inputs_of<double>(sample.cotangents);
    const Vars<double> y = row.call(x);
    const GradientGraph<double> first = gradient_graph(graph_roots_of(y, cotangents), wrt_of(x));
    const auto by_arrays = gradient(roots_of(y, sample.cotangents), wrt_of(x));

    Var<double> projected = input(filled({}, 0));
    for (std::size_t k = 0; k < x.size(); ++k) {
        report.note(fmt::format("recorded gradient by argument {}", k),
                    difference(first.at(k).value(), by_arrays.at(k), agreement_tolerance));
        projected = projected + sum(first.at(k) * sample.directions[k]);
    }
    Vars<double> wrt = x;
    wrt.insert(wrt.end(), cotangents.begin(), cotangents.end());
    const Gradients<double> second = gradient(projected, wrt_of(wrt));
    return {second.begin(), second.end()};
}

}  // namespace

Problems check_second_order(const Row& row) {
    Report report(row);
    report.for_each_sample([&](const Sample& sample) {
        const Tensors actual = second_order(report, row, sample);
        const auto projected = [&](const Tensors& x) {
            return inner(evaluate<double>(row, x, sample.cotangents).gradients, sample.directions);
        };
        const std::size_t count = sample.arguments.size();
        for (std::size_t k = 0; k < count; ++k) {
            const bool is_zero = row.passes_no_gradient || row.domains[k].is_flag;
            report.note(
                fmt::format("second derivative by argument {}", k),
                difference(actual[k],
                           is_zero ? filled(sample.shapes[k], 0) : derivative(projected, sample.arguments, k),
                           difference_tolerance));
        }
        const Tensors slopes = derivative_along(row.reference, sample.arguments, sample.directions);
        for (std::size_t r = 0; r < slopes.size(); ++r)
            report.note(fmt::format("second derivative by cotangent {}", r),
                        difference(actual[count + r],
                                   row.passes_no_gradient ? filled(shape_of(slopes[r]), 0) : slopes[r],
                                   difference_tolerance));
    });
    return std::move(report).problems();
}

namespace {

void check_subset(Report& report, const Row& row, const Sample& sample, const Evaluation<double>& all,
                  std::size_t subset) {
    Tape<double> tape;
    Vars<double> x = inputs_of<double>(sample.arguments);
    Vars<double> tracked;
    std::vector<std::size_t> places;
    for (std::size_t k = 0; k < x.size(); ++k) {
        if ((subset >> k & 1U) == 0) {
            x[k] = detach(x[k]);
        } else {
            places.push_back(k);
            tracked.push_back(x[k]);
        }
    }
    const Vars<double> y = row.call(x);
    for (std::size_t r = 0; r < y.size(); ++r)
        compare_bits(report, fmt::format("value {}, subset {}", r, subset), y[r].value(), all.values[r]);
    const auto gradients = gradient(roots_of(y, sample.cotangents), wrt_of(tracked));
    const auto recorded =
        gradient_graph(graph_roots_of(y, inputs_of<double>(sample.cotangents)), wrt_of(tracked));
    for (std::size_t i = 0; i < places.size(); ++i) {
        compare_bits(report, fmt::format("gradient by argument {}, subset {}", places[i], subset),
                     gradients[tracked[i]], all.gradients[places[i]]);
        report.note(fmt::format("recorded gradient by argument {}, subset {}", places[i], subset),
                    difference(recorded[tracked[i]].value(), all.gradients[places[i]], agreement_tolerance));
    }
    for (std::size_t k = 0; k < x.size(); ++k) {
        if ((subset >> k & 1U) != 0) continue;
        try {
            static_cast<void>(gradients[x[k]]);
            report.note(fmt::format("gradient by argument {}, subset {}", k, subset),
                        "is there though not asked for");
        } catch (const std::invalid_argument&) {  // as it should
        }
    }
}

}  // namespace

Problems check_subsets(const Row& row) {
    Report report(row);
    report.for_each_sample([&](const Sample& sample) {
        const auto all = evaluate<double>(row, sample.arguments, sample.cotangents);
        for (std::size_t subset = 1; subset < std::size_t(1) << sample.arguments.size(); ++subset)
            check_subset(report, row, sample, all, subset);
    });
    return std::move(report).problems();
}

Problems check_float(const Row& row) {
    Report report(row);
    report.for_each_sample([&](const Sample& sample) {
        Tensors arguments;
        Tensors cotangents;
        for (const Tensor<double>& one : sample.arguments)
            arguments.push_back(as_double(rounded<float>(one)));
        for (const Tensor<double>& one : sample.cotangents)
            cotangents.push_back(as_double(rounded<float>(one)));
        const auto exact = evaluate<double>(row, arguments, cotangents, true);
        const auto actual = evaluate<float>(row, arguments, cotangents, true);
        // What is summed is of the order of 1, whatever comes out.
        const double tolerance = row.float_ulps * 0x1p-24;
        compare(report, "value in float", actual.values, exact.values, tolerance, 1);
        compare(report, "gradient in float", actual.gradients, exact.gradients, tolerance, 1);
        compare(report, "recorded gradient in float", actual.recorded_gradients, exact.recorded_gradients,
                tolerance, 1);
    });
    return std::move(report).problems();
}

namespace {

/// Arguments of the full extent, of which parts are taken; one that has another extent along the axis is left
/// alone.
struct Whole {
    const Row& row;
    const Independence& independence;
    std::size_t extent;
    Tensors arguments;
    Tensors cotangents;

    bool is_divided(std::size_t k) const {
        return arguments[k].dimension() > independence.axis &&
               arguments[k].shape()[independence.axis] == extent;
    }
    Tensors arguments_of(std::size_t begin, std::size_t count) const {
        Tensors parts = arguments;
        for (std::size_t k = 0; k < parts.size(); ++k)
            if (is_divided(k)) parts[k] = part_of(parts[k], independence.axis, begin, count);
        return parts;
    }
    Tensors cotangents_of(std::size_t begin, std::size_t count) const {
        Tensors parts;
        for (const Tensor<double>& one : cotangents)
            parts.push_back(part_of(one, independence.result_axis, begin, count));
        return parts;
    }
};

template <class T>
void check_part(Report& report, const Whole& whole, const Evaluation<T>& all, std::size_t begin,
                std::size_t count) {
    const auto part =
        evaluate<T>(whole.row, whole.arguments_of(begin, count), whole.cotangents_of(begin, count));
    const std::string where = fmt::format("{} to {} of {}, {}", begin, begin + count, whole.extent,
                                          sizeof(T) == 4 ? "float" : "double");
    for (std::size_t r = 0; r < part.values.size(); ++r)
        compare_bits(report, fmt::format("value {} at {}", r, where), part.values[r],
                     part_of(all.values[r], whole.independence.result_axis, begin, count));
    for (std::size_t k = 0; k < part.gradients.size(); ++k)
        if (whole.is_divided(k))
            compare_bits(report, fmt::format("gradient {} at {}", k, where), part.gradients[k],
                         part_of(all.gradients[k], whole.independence.axis, begin, count));
}

template <class T>
void check_parts(Report& report, const Whole& whole) {
    const auto all = evaluate<T>(whole.row, whole.arguments, whole.cotangents);
    for (std::size_t count = 1; count < whole.extent; ++count) {
        check_part(report, whole, all, 0, count);
        check_part(report, whole, all, whole.extent - count, count);
    }
}

}  // namespace

Problems check_positions(const Row& row) {
    Report report(row);
    constexpr std::size_t extent = 40;
    for (const Independence& independence : row.independences) {
        Row long_row = row;
        long_row.samples = {independence.shapes(extent)};
        Report inner_report(long_row);
        inner_report.for_each_sample([&](const Sample& sample) {
            const Whole whole{row, independence, extent, sample.arguments, sample.cotangents};
            check_parts<double>(inner_report, whole);
            check_parts<float>(inner_report, whole);
        });
        for (const std::string& problem : std::move(inner_report).problems())
            report.note("position", problem);
    }
    return std::move(report).problems();
}

namespace {

/// Returns whether the text names the line of the row's call, or one of the next that belong to it, and the
/// label.
bool names_line(const std::string& text, const Row& row) {
    const std::string file = std::filesystem::path(row.call_site.file_name()).filename().string();
    constexpr std::uint32_t longest_call = 12;
    for (std::uint32_t line = 0; line < longest_call; ++line)
        if (text.find(fmt::format("({}:{}, encoder/t=3)", file, row.call_site.line() + line)) !=
            std::string::npos)
            return true;
    return false;
}

void check_rejection(Report& report, const Row& row, const Rejection& rejection) {
    Tape<double> tape;
    Vars<double> x;
    for (const Shape& shape : rejection.shapes) x.push_back(input(filled(shape, 1)));
    const std::size_t size_before = tape.size();
    const LabelScope<double> part("encoder");
    const LabelScope<double> step(std::size_t(3));
    std::vector<std::string> fragments = rejection.fragments;
    if (fragments.empty())
        for (const Shape& shape : rejection.shapes) fragments.push_back(shape.text());
    try {
        row.call(x);
        report.note("wrong shapes", "are accepted");
    } catch (const std::invalid_argument& error) {
        const std::string text = error.what();
        if (!text.starts_with(row.error_name + ": "))
            report.note("the error does not start with the name", text);
        for (const std::string& fragment : fragments)
            if (text.find(fragment) == std::string::npos)
                report.note(fmt::format("the error does not say '{}'", fragment), text);
        if (!names_line(text, row)) report.note("the error does not name the line and the label", text);
    } catch (const std::exception& error) {
        report.note("wrong shapes throw another error", error.what());
    }
    if (tape.size() != size_before) report.note("wrong shapes", "leave something on the tape");
}

}  // namespace

Problems check_rejections(const Row& row) {
    Report report(row);
    for (const Rejection& rejection : row.rejections) {
        std::string shapes;
        for (const Shape& shape : rejection.shapes) shapes += (shapes.empty() ? "" : ", ") + shape.text();
        report.about(shapes);
        check_rejection(report, row, rejection);
    }
    return std::move(report).problems();
}

}  // namespace tapeloop::test
