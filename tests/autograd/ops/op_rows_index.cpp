#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/index.hpp>

namespace tapeloop::test {
namespace {

using List = std::vector<std::ptrdiff_t>;

std::size_t unsigned_at(const List& list, std::size_t i) { return static_cast<std::size_t>(list[i]); }

/// Returns which of the indices the front of a position in [..indices, ..row] names.
std::size_t flat(const Shape& indices, const Position& position) {
    std::size_t offset = 0;
    for (std::size_t axis = 0; axis < indices.rank(); ++axis)
        offset = offset * indices[axis] + position[axis];
    return offset;
}

Shape rows_shape(const Shape& indices, const Shape& table) {
    Shape shape = indices;
    for (std::size_t axis = 1; axis < table.rank(); ++axis) shape.append(table[axis]);
    return shape;
}

/// The position in the table of what stands at `position` of its gathered rows.
Position in_table(const List& list, const Shape& indices, const Position& position) {
    Position there{unsigned_at(list, flat(indices, position))};
    there.insert(there.end(), position.begin() + static_cast<std::ptrdiff_t>(indices.rank()), position.end());
    return there;
}

void add_rows_of(std::vector<Row>& rows, const List& list, const Shape& shape,
                 const std::vector<Shape>& tables) {
    const Indices indices = Indices(list).reshaped(shape);
    std::vector<std::vector<Shape>> gathered;
    std::vector<std::vector<Shape>> scattered;
    for (const Shape& table : tables) {
        gathered.push_back({table});
        scattered.push_back({table, rows_shape(shape, table)});
    }
    rows.push_back(row(
                       "gather_rows", [=](const auto& x) { return gather_rows(x[0], indices); },
                       [=](const Tensors& x) {
                           return generate(rows_shape(shape, shape_of(x[0])), [&](const Position& position) {
                               return at(x[0], in_table(list, shape, position));
                           });
                       })
                       .of(gathered)
                       .rejects({{}}));
    rows.push_back(row(
                       "scatter_add", [=](const auto& x) { return scatter_add(x[0], indices, x[1]); },
                       [=](const Tensors& x) {
                           Tensor<double> result = x[0];
                           const Shape table = shape_of(x[0]);
                           std::size_t next = 0;
                           generate(rows_shape(shape, table), [&](const Position& position) {
                               const Position there = in_table(list, shape, position);
                               std::size_t offset = 0;
                               for (std::size_t axis = 0; axis < table.rank(); ++axis)
                                   offset = offset * table[axis] + there[axis];
                               result.data()[offset] += x[1].data()[next++];
                               return 0.0;
                           });
                           return result;
                       })
                       .of(scattered)
                       .rejects({{5, 7}, {9, 7}}, {"[5, 7]", "[9, 7]", shape.text()}));
}

void add_take_along(std::vector<Row>& rows, const List& list, const Shape& shape, int axis,
                    std::size_t is_axis, std::vector<std::vector<Shape>> samples,
                    CallSite site = CallSite::current()) {
    const Indices indices = Indices(list).reshaped(shape);
    const Tensor<double> places = tensor(shape, {list.begin(), list.end()});
    rows.push_back(row(
                       "take_along", [=](const auto& x) { return take_along(x[0], indices, axis); },
                       [=](const Tensors& x) {
                           const Shape own = shape_of(x[0]);
                           Shape result;
                           for (std::size_t i = 0; i < own.rank(); ++i)
                               result.append(i == is_axis || own[i] == 1 ? shape[i] : own[i]);
                           const Tensor<double> wide = repeated(places, result);
                           return generate(result, [&](const Position& position) {
                               Position there = position;
                               there[is_axis] = static_cast<std::size_t>(at(wide, position));
                               for (std::size_t i = 0; i < own.rank(); ++i)
                                   if (i != is_axis && own[i] == 1) there[i] = 0;
                               return at(x[0], there);
                           });
                       },
                       site)
                       .of(std::move(samples))
                       .rejects({shape.rank() == 2 ? Shape{3, 4, 5} : Shape{2, 2}},
                                {shape.text(), "equally many axes"}));
}

}  // namespace

std::vector<Row> index_rows() {
    std::vector<Row> rows;
    add_rows_of(rows, {2, 0, 2, 2}, {4}, {{3, 4}, {5}, {3, 2, 2}, {3, 0}});
    add_rows_of(rows, {1, 1, 0, 4, 3, 1}, {2, 3}, {{5, 2}, {5}});
    add_rows_of(rows, {1}, {}, {{3, 2}, {2}});
    add_rows_of(rows, {}, {0}, {{3, 4}, {0, 4}});
    add_rows_of(rows, {}, {0, 2}, {{3, 4}});
    rows.push_back(row(
                       "gather_rows",
                       [](const auto& x) {
                           return gather_rows(x[0], {0, 3});
                       },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{3, 2}}, {"element 1", "is 3", "0 .. 2"})
                       .rejects({{0, 2}}, {"element 0"}));
    rows.push_back(row(
                       "scatter_add", [](const auto& x) { return scatter_add(x[0], {-1}, x[1]); },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{3, 2}, {1, 2}}, {"element 0", "is -1", "0 .. 2"}));
    rows.push_back(row(
                       "take_along",
                       [](const auto& x) {
                           return take_along(x[0], Indices{0, 0}.reshaped({2, 1}), 1);
                       },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{3, 4}}, {"[3, 4]", "[2, 1]", "axis 1"}));
    rows.push_back(row(
                       "take_along",
                       [](const auto& x) {
                           return take_along(x[0], Indices{5}.reshaped({1, 1}), -1);
                       },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{3, 4}}, {"element 0", "is 5", "0 .. 3"}));
    add_take_along(rows, {2, 0, 2}, {3, 1}, 1, 1, {{{3, 4}}, {{1, 4}}});
    add_take_along(rows, {1, 0}, {1, 2}, -1, 1, {{{3, 4}}, {{1, 2}}, {{0, 2}}});
    add_take_along(rows, {1, 1, 0, 2, 0, 2}, {2, 3}, 0, 0, {{{3, 3}}, {{3, 1}}});
    add_take_along(rows, {1, 0, 1, 1, 0, 0}, {1, 3, 2}, 1, 1, {{{2, 2, 2}}, {{2, 2, 1}}});
    add_take_along(rows, {}, {2, 0}, 1, 1, {{{2, 3}}, {{1, 3}}, {{2, 0}}});
    return rows;
}

}  // namespace tapeloop::test
