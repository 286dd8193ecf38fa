#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/shape.hpp>

#include <algorithm>
#include <limits>

namespace tapeloop::test {
namespace {

Tensor<double> regrouped(const Tensor<double>& x, const Shape& shape) {
    return tensor(shape, {x.begin(), x.end()});
}

void add_regrouping(std::vector<Row>& rows) {
    for (const Shape& target : {Shape{12}, Shape{4, 3}, Shape{2, 1, 6}, Shape{3, 4}})
        rows.push_back(row(
                           "reshape", [=](const auto& x) { return reshape(x[0], target); },
                           [=](const Tensors& x) { return regrouped(x[0], target); })
                           .of({{{3, 4}}, {{2, 3, 2}}})
                           .rejects({{3, 5}}, {"[3, 5]", target.text(), "15"}));
    rows.push_back(row(
                       "reshape", [](const auto& x) { return reshape(x[0], {}); },
                       [](const Tensors& x) { return regrouped(x[0], {}); })
                       .of({{{1}}, {{1, 1}}, {{}}})
                       .rejects({{0}}));
    rows.push_back(row(
                       "reshape",
                       [](const auto& x) {
                           return reshape(x[0], {3, 0, 2});
                       },
                       [](const Tensors& x) {
                           return regrouped(x[0], {3, 0, 2});
                       })
                       .of({{{0}}, {{0, 4}}}));
    for (const auto& [axis, result] :
         {std::pair{0, Shape{1, 3, 4}}, {1, {3, 1, 4}}, {2, {3, 4, 1}}, {-1, {3, 4, 1}}, {-3, {1, 3, 4}}})
        rows.push_back(row(
                           "expand_dims", [axis = axis](const auto& x) { return expand_dims(x[0], axis); },
                           [result = result](const Tensors& x) { return regrouped(x[0], result); })
                           .of({{{3, 4}}})
                           .rejects({{1, 1, 1, 1, 1, 1, 1, 1}}));
    rows.push_back(row(
                       "expand_dims", [](const auto& x) { return expand_dims(x[0], 1); },
                       [](const Tensors& x) {
                           return regrouped(x[0], {x[0].size(), 1});
                       })
                       .of({{{0}}, {{3}}})
                       .rejects({{}}, {"axis 1"}));
    for (const auto& [axis, result] : {std::pair{1, Shape{3, 4}}, {-2, {3, 4}}})
        rows.push_back(row(
                           "squeeze", [axis = axis](const auto& x) { return squeeze(x[0], axis); },
                           [result = result](const Tensors& x) { return regrouped(x[0], result); })
                           .of({{{3, 1, 4}}})
                           .rejects({{3, 2, 4}}, {"[3, 2, 4]", "extent 1", "2"}));
    rows.push_back(row(
                       "squeeze", [](const auto& x) { return squeeze(x[0], 0); },
                       [](const Tensors& x) { return regrouped(x[0], {x[0].size()}); })
                       .of({{{1, 0}}, {{1, 3}}})
                       .rejects({{}}, {"axis 0", "0 axes"}));
}

void add_transpose(std::vector<Row>& rows) {
    const auto add = [&rows](std::vector<int> permutation, std::vector<std::size_t> axes,
                             std::vector<std::vector<Shape>> samples, CallSite site = CallSite::current()) {
        rows.push_back(row(
                           "transpose", [=](const auto& x) { return transpose(x[0], permutation); },
                           [=](const Tensors& x) {
                               const Shape shape = shape_of(x[0]);
                               Shape result;
                               for (std::size_t axis : axes) result.append(shape[axis]);
                               return generate(result, [&](const Position& position) {
                                   Position there(axes.size());
                                   for (std::size_t i = 0; i < axes.size(); ++i) there[axes[i]] = position[i];
                                   return at(x[0], there);
                               });
                           },
                           site)
                           .of(std::move(samples)));
    };
    add({}, {}, {{{}}});
    add({}, {0}, {{{5}}});
    add({}, {1, 0}, {{{3, 4}}, {{1, 4}}, {{0, 3}}, {{9, 17}}});
    add({}, {2, 1, 0}, {{{2, 3, 4}}});
    add({1, 0, 2}, {1, 0, 2}, {{{2, 3, 4}}, {{2, 0, 3}}});
    add({0, 2, 1}, {0, 2, 1}, {{{2, 3, 4}}});
    add({2, 0, 1}, {2, 0, 1}, {{{2, 3, 4}}});
    add({-2, -1, 0}, {1, 2, 0}, {{{2, 3, 4}}, {{1, 3, 1}}});
    add({0, 1, 2}, {0, 1, 2}, {{{2, 3, 4}}});
    add({3, 1, 4, 0, 2}, {3, 1, 4, 0, 2}, {{{2, 1, 3, 2, 2}}});
    rows.push_back(row(
                       "transpose",
                       [](const auto& x) {
                           return transpose(x[0], {0, 2, -1});
                       },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{2, 3, 4}}, {"[2, 3, 4]", "[0, 2, -1]"})
                       .rejects({{2, 3}}, {"[2, 3]", "[0, 2, -1]"}));
    rows.push_back(row(
                       "transpose",
                       [](const auto& x) {
                           return transpose(x[0], {0, 2});
                       },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{2, 3}}, {"axis 2"}));
}

void add_flip(std::vector<Row>& rows) {
    for (const auto& [axis, is_axis] : {std::pair{0, 0U}, {1, 1U}, {-1, 2U}})
        rows.push_back(row(
                           "flip", [axis = axis](const auto& x) { return flip(x[0], axis); },
                           [is_axis = is_axis](const Tensors& x) {
                               return generate(shape_of(x[0]), [&](Position position) {
                                   position[is_axis] = x[0].shape()[is_axis] - 1 - position[is_axis];
                                   return at(x[0], position);
                               });
                           })
                           .of({{{2, 3, 4}}, {{1, 1, 1}}, {{0, 3, 2}}, {{3, 0, 2}}, {{2, 1, 3}}})
                           .rejects({{}}, {"0 axes"}));
}

/// A slice, how it is asked for, and what that means.
struct Range {
    int axis;
    std::ptrdiff_t begin;
    std::ptrdiff_t end;
    std::size_t step;
    std::size_t is_axis;
    std::size_t first;
    std::size_t count;
};

void add_roll(std::vector<Row>& rows) {
    struct Case {
        std::ptrdiff_t shift;
        int axis;
        std::size_t is_axis;
    };
    for (const Case& one : {Case{1, 0, 0}, Case{-1, 1, 1}, Case{2, -1, 2}, Case{0, 1, 1}, Case{7, 2, 2},
                            Case{-9, 0, 0}, Case{std::numeric_limits<std::ptrdiff_t>::min(), -2, 1}})
        rows.push_back(row(
                           "roll", [=](const auto& x) { return roll(x[0], one.shift, one.axis); },
                           [=](const Tensors& x) {
                               return generate(shape_of(x[0]), [&](Position position) {
                                   // What comes here started `shift` places before.
                                   const auto n = static_cast<std::ptrdiff_t>(x[0].shape()[one.is_axis]);
                                   std::ptrdiff_t from =
                                       static_cast<std::ptrdiff_t>(position[one.is_axis]) - one.shift % n;
                                   while (from < 0) from += n;
                                   while (from >= n) from -= n;
                                   position[one.is_axis] = static_cast<std::size_t>(from);
                                   return at(x[0], position);
                               });
                           })
                           .of({{{2, 3, 4}}, {{1, 1, 1}}, {{0, 3, 2}}, {{3, 0, 2}}, {{5, 1, 3}}})
                           .rejects({{}}, {"0 axes"}));
}

void add_slices(std::vector<Row>& rows) {
    const Range ranges[] = {{0, 1, 3, 1, 0, 1, 2},    {0, 0, 4, 1, 0, 0, 4}, {0, 0, 4, 2, 0, 0, 2},
                            {0, 1, 4, 2, 0, 1, 2},    {1, 1, 3, 1, 1, 1, 2}, {-1, 0, 5, 3, 2, 0, 2},
                            {-1, -3, -1, 1, 2, 2, 2}, {2, 1, 5, 2, 2, 1, 2}, {1, 0, 3, 7, 1, 0, 1},
                            {0, 2, 2, 1, 0, 2, 0},    {2, 5, 5, 1, 2, 5, 0}, {0, -1, 4, 1, 0, 3, 1},
                            {-3, 1, -1, 1, 0, 1, 2},  {1, 2, 3, 1, 1, 2, 1}};
    for (const Range& range : ranges)
        rows.push_back(
            row(
                "slice",
                [=](const auto& x) { return slice(x[0], range.axis, range.begin, range.end, range.step); },
                [=](const Tensors& x) {
                    return generate(shape_of(x[0]).with(range.is_axis, range.count), [&](Position position) {
                        position[range.is_axis] = range.first + position[range.is_axis] * range.step;
                        return at(x[0], position);
                    });
                })
                .of({{{4, 3, 5}}}));
    rows.push_back(row(
                       "slice", [](const auto& x) { return slice(x[0], 0, 1, 4, 1); },
                       [](const Tensors& x) { return part_of(x[0], 0, 1, 3); })
                       .of({{{4, 0}}, {{5}}})
                       .rejects({{3, 2}}, {"[3, 2]", "1 to 4"})
                       .rejects({{}}, {"0 axes"}));
    rows.push_back(row(
                       "slice", [](const auto& x) { return slice(x[0], 0, 3, 1); },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{4}}, {"[4]", "3 to 1"}));
    rows.push_back(row(
                       "slice", [](const auto& x) { return slice(x[0], 0, -5, -1); },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{4}}, {"[4]", "-5 to -1"}));
    rows.push_back(row(
                       "slice", [](const auto& x) { return slice(x[0], 0, 0, 1, 0); },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{4}}, {"[4]", "step"}));
}

void add_columns(std::vector<Row>& rows) {
    for (std::size_t k : {0U, 1U, 2U})
        rows.push_back(row(
                           "columns", [k](const auto& x) { return columns(x[0], k, 3); },
                           [k](const Tensors& x) {
                               const std::size_t width = shape_of(x[0]).back() / 3;
                               return part_of(x[0], x[0].dimension() - 1, k * width, width);
                           })
                           .of({{{4, 6}}, {{6}}, {{2, 2, 3}}, {{2, 0}}, {{0, 6}}})
                           .rejects({{4, 7}})
                           .rejects({{}}));
    rows.push_back(row(
                       "columns", [](const auto& x) { return columns(x[0], 3, 3); },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{4, 6}}, {"[4, 6]", "part 3 of 3"}));
}

void add_padding(std::vector<Row>& rows) {
    const std::vector<Padding> choices[] = {{{1, 2}, {0, 3}}, {{0, 0}, {0, 0}}, {{0, 1}, {2, 0}}};
    for (const auto& widths : choices)
        rows.push_back(row(
                           "pad", [=](const auto& x) { return pad(x[0], widths); },
                           [=](const Tensors& x) {
                               const Shape shape = shape_of(x[0]);
                               Shape result;
                               for (std::size_t i = 0; i < 2; ++i)
                                   result.append(widths[i].before + shape[i] + widths[i].after);
                               return generate(result, [&](Position position) {
                                   for (std::size_t i = 0; i < 2; ++i) {
                                       if (position[i] < widths[i].before ||
                                           position[i] >= widths[i].before + shape[i])
                                           return 0.0;
                                       position[i] -= widths[i].before;
                                   }
                                   return at(x[0], position);
                               });
                           })
                           .of({{{3, 4}}, {{1, 1}}, {{0, 4}}, {{2, 0}}})
                           .rejects({{3}})
                           .rejects({{3, 4, 5}}, {"[3, 4, 5]", "2"}));
}

void add_broadcast_to(std::vector<Row>& rows) {
    const auto add = [&rows](const Shape& target, std::vector<std::vector<Shape>> samples,
                             CallSite site = CallSite::current()) {
        rows.push_back(row(
                           "broadcast_to", [=](const auto& x) { return broadcast_to(x[0], target); },
                           [=](const Tensors& x) { return repeated(x[0], target); }, site)
                           .of(std::move(samples))
                           .rejects({{3, 5, 7}}, {"[3, 5, 7]", target.text()}));
    };
    add({3, 4}, {{{3, 4}}, {{4}}, {{3, 1}}, {{1, 4}}, {{1}}, {{}}});
    add({2, 3, 2}, {{{2, 1, 2}}, {{2}}, {{2, 1, 1}}, {{3, 1}}});
    add({4, 0}, {{{4, 0}}, {{4, 1}}, {{0}}, {{1}}, {{}}});
    add({1, 1, 3}, {{{3}}, {{1, 3}}, {{}}});
}

}  // namespace

std::vector<Row> shape_rows() {
    std::vector<Row> rows;
    add_regrouping(rows);
    add_transpose(rows);
    add_flip(rows);
    add_roll(rows);
    add_slices(rows);
    add_columns(rows);
    add_padding(rows);
    add_broadcast_to(rows);
    rows.push_back(
        row(
            "detach", [](const auto& x) { return detach(x[0]); }, [](const Tensors& x) { return x[0]; })
            .of({{{3, 4}}, {{}}, {{0}}})
            .without_gradient()
            .with_any_shape());
    return rows;
}

}  // namespace tapeloop::test
