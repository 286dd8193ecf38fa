#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/join.hpp>

namespace tapeloop::test {
namespace {

Tensor<double> joined(const Tensors& parts, std::size_t axis) {
    std::size_t extent = 0;
    for (const Tensor<double>& part : parts) extent += part.shape()[axis];
    return generate(shape_of(parts[0]).with(axis, extent), [&](Position position) {
        std::size_t k = 0;
        while (position[axis] >= parts[k].shape()[axis]) position[axis] -= parts[k++].shape()[axis];
        return at(parts[k], position);
    });
}

Tensor<double> stacked(const Tensors& parts, std::size_t axis) {
    const Shape part = shape_of(parts[0]);
    Shape whole;
    for (std::size_t i = 0; i <= part.rank(); ++i)
        whole.append(i == axis ? parts.size() : part[i < axis ? i : i - 1]);
    return generate(whole, [&](Position position) {
        const std::size_t k = position[axis];
        position.erase(position.begin() + static_cast<std::ptrdiff_t>(axis));
        return at(parts[k], position);
    });
}

void add_concatenate(std::vector<Row>& rows) {
    const auto add = [&rows](int axis, std::size_t is_axis, std::vector<std::vector<Shape>> samples,
                             CallSite site = CallSite::current()) {
        rows.push_back(row(
                           "concatenate", [=](const auto& x) { return concatenate(x, axis); },
                           [=](const Tensors& x) { return joined(x, is_axis); }, site)
                           .of(std::move(samples)));
    };
    add(0, 0,
        {{{2, 3}, {4, 3}, {1, 3}}, {{2, 3}, {2, 3}, {2, 3}}, {{0, 3}, {2, 3}, {0, 3}}, {{3}, {0}, {2}}});
    add(1, 1, {{{2, 3, 2}, {2, 1, 2}, {2, 2, 2}}, {{2, 3}, {2, 3}, {2, 0}}});
    add(-1, 2, {{{2, 1, 3}, {2, 1, 2}, {2, 1, 1}}, {{0, 2, 2}, {0, 2, 1}, {0, 2, 3}}});
    add(-2, 0, {{{2, 3}}});
    Row refusing = row(
        "concatenate", [](const auto& x) { return concatenate(x, 1); },
        [](const Tensors& x) { return x[0]; });
    rows.push_back(std::move(refusing)
                       .rejects({{2, 3}, {2, 1}, {4, 3}}, {"[2, 3]", "part 2 is [4, 3]"})
                       .rejects({{2, 3}, {2, 3, 1}})
                       .rejects({{2}, {2}}, {"axis 1"}));
}

void add_stack(std::vector<Row>& rows) {
    const auto add = [&rows](int axis, std::size_t is_axis, std::vector<std::vector<Shape>> samples,
                             CallSite site = CallSite::current()) {
        rows.push_back(row(
                           "stack", [=](const auto& x) { return stack(x, axis); },
                           [=](const Tensors& x) { return stacked(x, is_axis); }, site)
                           .of(std::move(samples))
                           .rejects({{2, 3}, {2, 4}})
                           .rejects({{2, 3}, {2, 3, 1}}));
    };
    add(0, 0, {{{2, 3}, {2, 3}, {2, 3}}, {{}, {}, {}}, {{4}, {4}, {4}}, {{0, 2}, {0, 2}, {0, 2}}});
    add(1, 1, {{{2, 3}, {2, 3}}, {{3}, {3}}, {{2, 0}, {2, 0}}});
    add(-1, 2, {{{2, 3}, {2, 3}, {2, 3}}});
    add(-2, 1, {{{2, 3}}});
}

void add_parting(std::vector<Row>& rows) {
    for (const auto& [axis, is_axis] : {std::pair{0, 0U}, {1, 1U}, {-1, 1U}})
        rows.push_back(row(
                           "split", [axis = axis](const auto& x) { return split(x[0], 3, axis); },
                           [is_axis = is_axis](const Tensors& x) {
                               const std::size_t width = x[0].shape()[is_axis] / 3;
                               return Tensors{part_of(x[0], is_axis, 0, width),
                                              part_of(x[0], is_axis, width, width),
                                              part_of(x[0], is_axis, 2 * width, width)};
                           })
                           .of({{{3, 6}}, {{6, 3}}, {{0, 3}}, {{3, 0}}})
                           .rejects({{4, 4}}, {"[4, 4]", "(4)", "3 equal parts"})
                           .rejects({{}}, {"0 axes"}));
    rows.push_back(
        row(
            "split", [](const auto& x) { return split(x[0], 0, 0); }, [](const Tensors& x) { return x[0]; })
            .rejects({{4, 4}}, {"[4, 4]", "0 equal parts"}));
    const auto parts_of = [](const Tensors& x, std::size_t axis, const std::vector<std::size_t>& extents) {
        Tensors all;
        std::size_t begin = 0;
        for (const std::size_t extent : extents) {
            all.push_back(part_of(x[0], axis, begin, extent));
            begin += extent;
        }
        return all;
    };
    rows.push_back(row(
                       "split",
                       [](const auto& x) {
                           return split(x[0], {2, 0, 3, 1}, -1);
                       },
                       [=](const Tensors& x) {
                           return parts_of(x, 1, {2, 0, 3, 1});
                       })
                       .of({{{3, 6}}, {{0, 6}}})
                       .rejects({{6, 5}}, {"[6, 5]", "[2, 0, 3, 1]", "axis -1 (5)"})
                       .rejects({{6, 7}}, {"[6, 7]", "[2, 0, 3, 1]", "axis -1 (7)"})
                       .rejects({{}}, {"0 axes"}));
    // A list of one extent is not a number of parts.
    rows.push_back(
        row(
            "split", [](const auto& x) { return split(x[0], {3}, 0); }, [](const Tensors& x) { return x[0]; })
            .of({{{3, 2}}, {{3}}})
            .rejects({{6, 2}}, {"[6, 2]", "[3]"}));
    const std::vector<std::size_t> wrapped{std::size_t(-1), 4};
    rows.push_back(row(
                       "split", [=](const auto& x) { return split(x[0], wrapped, 0); },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{3, 2}}, {"[3, 2]", "add up"}));
    rows.push_back(row(
                       "unstack", [](const auto& x) { return unstack(x[0]); },
                       [](const Tensors& x) {
                           Tensors parts;
                           const Shape whole = shape_of(x[0]);
                           Shape part;
                           for (std::size_t i = 1; i < whole.rank(); ++i) part.append(whole[i]);
                           for (std::size_t k = 0; k < whole[0]; ++k) {
                               const Tensor<double> slab = part_of(x[0], 0, k, 1);
                               parts.push_back(tensor(part, {slab.begin(), slab.end()}));
                           }
                           return parts;
                       })
                       .of({{{3, 2}}, {{4}}, {{2, 3, 2}}, {{1, 5}}, {{3, 0}}, {{2, 0, 4}}})
                       .rejects({{}}));
}

}  // namespace

std::vector<Row> join_rows() {
    std::vector<Row> rows;
    add_concatenate(rows);
    add_stack(rows);
    add_parting(rows);
    return rows;
}

}  // namespace tapeloop::test
