#include <autograd/map/map_operation.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

/// Records the same value as a node of its own.
struct Identity {
    static constexpr std::string_view name = "identity";
    static constexpr Description description{
        .equation = "y = x", .rules = {{"x", "g"}}, .kind = OperationKind::layout};
    static Shape shape(const Shape& x) { return x; }
    template <class T>
    static const T* alias(const Array<T>& x) {
        return x.data();
    }
    template <class T>
    static void value(const Buffer<T>&, const Array<T>&) {}
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&) { return g; }};
    }
};

/// Returns the layout of a part in its packed value.
std::size_t part_offset(const Shape& whole, std::size_t parts, std::size_t part) {
    return parts == 0 ? 0 : part * (whole.back() / parts);
}
std::size_t row_stride(const Shape& whole, std::size_t parts) { return parts == 0 ? 0 : whole.back(); }

/// The start of each stream and the distance of its rows. The layouts refer to `part_shapes`, one for each
/// argument.
template <class T>
void lay_out_streams(const MapTable& table, const Tape<T>& tape, std::span<const NodeIndex> inputs,
                     std::span<Shape> part_shapes, std::span<Layout> layouts, std::span<const T*> data) {
    for (std::size_t a = 0; a < inputs.size(); ++a)
        part_shapes[a] = part_shape(tape.node(inputs[a]).shape, table.part_counts[a]);
    for (std::size_t k = 0; k < table.places.size(); ++k) {
        const auto [a, part] = table.places[k];
        const Node<T>& source = tape.node(inputs[a]);
        layouts[k] = {&part_shapes[a], row_stride(source.shape, table.part_counts[a])};
        data[k] = source.shape.size() == 0
                      ? source.data
                      : source.data + part_offset(source.shape, table.part_counts[a], part);
    }
}

template <class T>
Shape broadcast_parts(const MapTable& table, std::span<const Operand<T>* const> operands) {
    Shape shape = part_shape(operands[0]->shape(), table.part_counts[0]);
    for (std::size_t a = 1; a < operands.size(); ++a)
        if (const Shape part = part_shape(operands[a]->shape(), table.part_counts[a]); part != shape)
            shape = broadcast("map", shape, part);
    return shape;
}

template <class T>
void record_fused(const MapFunction<T>& map, Tape<T>& tape, const Shape& shape,
                  std::span<const NodeIndex> inputs, const CallSite& site, Var<T>* results) {
    const MapTable& table = map.table;
    const std::size_t in = table.places.size();
    std::array<Shape, most_map_arguments> part_shapes;
    std::array<Layout, most_streams> layouts;
    std::array<const T*, most_streams> data;
    lay_out_streams<T>(table, tape, inputs, part_shapes, layouts, data);
    std::array<Target<T>, most_map_arguments> targets;
    std::array<Array<T>, most_map_arguments> arrays;
    for (std::size_t r = 0; r < table.results; ++r) {
        layouts[in + r].shape = &shape;
        targets[r] = {tape.allocate(shape.size()), false};
        arrays[r] = Array<T>(shape, targets[r].data);
    }
    run_kernel<T>(shape, {layouts.data(), in + table.results}, {data.data(), in},
                  {targets.data(), table.results}, map.kernel, map.function);
    const Operation<T>& operation = map.operation(tape, map.definition);
    if (table.results == 1) {
        results[0] = tape.var(tape.append(operation, inputs, shape, arrays[0].data(), site));
        return;
    }
    const NodeIndex first =
        tape.append_results(operation, inputs, shape, {arrays.data(), table.results}, site);
    for (std::size_t r = 0; r < table.results; ++r) results[r] = tape.var(first + static_cast<NodeIndex>(r));
}

}  // namespace

Var<float> identity(const Operand<float>& x) { return apply(Identity{}, x); }
Var<double> identity(const Operand<double>& x) { return apply(Identity{}, x); }

template <class T>
void record_map(const MapFunction<T>& map, std::span<const Operand<T>* const> operands, const CallSite& site,
                Var<T>* results) {
    Tape<T>& tape = tape_of("map", operands);
    const Shape shape = checked(tape, site, [&] { return broadcast_parts(map.table, operands); });
    Rollback rollback(tape);
    std::array<NodeIndex, most_map_arguments> inputs;
    for (std::size_t a = 0; a < operands.size(); ++a) inputs[a] = operands[a]->enter(tape);
    if (tape.options().fuse) {
        record_fused(map, tape, shape, {inputs.data(), operands.size()}, site, results);
        return rollback.keep();
    }
    map.replay(map.definition, tape, {inputs.data(), operands.size()}, results);
    // A result that does not depend on all arguments has their joint shape nevertheless.
    for (std::size_t r = 0; r < map.table.results; ++r)
        if (results[r].shape() != shape) results[r] = broadcast_to(results[r], shape);
    rollback.keep();
}

template <class T>
void pull_map(const MapTable& table, Sweep<T>& sweep, NodeIndex node, Kernel<T> kernel,
              const void* function) {
    const Tape<T>& tape = sweep.tape();
    // Copies: the user's function may record, which moves the tape's vectors.
    const std::vector<NodeIndex> inputs(tape.inputs(node).begin(), tape.inputs(node).end());
    const NodeIndex first_result = tape.node(node).results == 0 ? node : node + 1;
    const Shape shape = tape.node(first_result).shape;
    const std::size_t in = table.places.size();

    std::array<Shape, most_map_arguments> part_shapes;
    std::array<Layout, most_streams> layouts;
    std::array<const T*, most_streams> data;
    lay_out_streams<T>(table, tape, inputs, part_shapes, layouts, data);
    static constexpr T nothing = 0;  // stands for the cotangent of a result that nobody used
    static const Shape scalar;
    for (std::size_t r = 0; r < table.results; ++r) {
        const NodeIndex result = first_result + static_cast<NodeIndex>(r);
        layouts[in + r].shape = sweep.has(result) ? &shape : &scalar;
        data[in + r] = sweep.has(result) ? sweep.cotangent(result).data() : &nothing;
    }

    std::array<PassTarget<T>, most_map_arguments> wholes;
    for (std::size_t a = 0; a < inputs.size(); ++a) {
        const bool is_shared = std::find(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(a),
                                         inputs[a]) != inputs.begin() + static_cast<std::ptrdiff_t>(a);
        if (sweep.wants(inputs[a]))
            wholes[a] = PassTarget<T>(sweep, inputs[a], shape, table.part_counts[a], is_shared);
    }
    std::array<Target<T>, most_streams> targets;
    for (std::size_t k = 0; k < in; ++k) {
        const auto [a, part] = table.places[k];
        const PassTarget<T>& whole = wholes[a];
        const bool is_wanted = whole.target().data != nullptr;
        layouts[in + table.results + k] = {is_wanted ? &whole.part() : &part_shapes[a], whole.row_stride()};
        if (is_wanted)
            targets[k] = {whole.target().data + part * (whole.row_stride() == 0 ? 0 : whole.part().back()),
                          whole.target().add};
    }
    const std::size_t count = in + table.results;
    run_kernel<T>(shape, {layouts.data(), count + in}, {data.data(), count}, {targets.data(), in}, kernel,
                  function);
    for (std::size_t a = 0; a < inputs.size(); ++a) wholes[a].deliver(sweep, node, inputs[a]);
}

template <class T>
void pull_replayed(const MapFunction<T>& map, GraphSweep<T>& sweep, NodeIndex node) {
    Tape<T>& tape = sweep.tape();
    const std::vector<NodeIndex> inputs(tape.inputs(node).begin(), tape.inputs(node).end());
    const NodeIndex first_result = tape.node(node).results == 0 ? node : node + 1;

    // The replay starts from nodes of its own, so that what one argument owes to another is left out here.
    std::vector<NodeIndex> starts;
    for (NodeIndex input : inputs) starts.push_back(identity(tape.var(input)).index());
    std::array<Var<T>, most_map_arguments> replayed;
    map.replay(map.definition, tape, starts, replayed.data());
    std::vector<std::pair<NodeIndex, Var<T>>> roots;
    for (std::size_t r = 0; r < map.table.results; ++r) {
        const NodeIndex result = first_result + static_cast<NodeIndex>(r);
        if (sweep.has(result))
            roots.emplace_back(broadcast_to(replayed[r], tape.node(result).shape).index(),
                               sweep.cotangent(result));
    }
    const auto last = static_cast<NodeIndex>(tape.size() - 1);
    GraphSweep<T> inner(tape, Reach<T>(tape, starts.front(), last, starts));
    for (const auto& [root, cotangent] : roots)
        if (inner.wants(root)) inner.deliver(node, root, cotangent);
    inner.run();
    for (std::size_t a = 0; a < inputs.size(); ++a)
        if (sweep.wants(inputs[a]) && inner.has(starts[a]))
            sweep.deliver(node, inputs[a], inner.cotangent(starts[a]));
}

template void record_map(const MapFunction<float>&, std::span<const Operand<float>* const>, const CallSite&,
                         Var<float>*);
template void record_map(const MapFunction<double>&, std::span<const Operand<double>* const>, const CallSite&,
                         Var<double>*);
template void pull_map(const MapTable&, Sweep<float>&, NodeIndex, Kernel<float>, const void*);
template void pull_map(const MapTable&, Sweep<double>&, NodeIndex, Kernel<double>, const void*);
template void pull_replayed(const MapFunction<float>&, GraphSweep<float>&, NodeIndex);
template void pull_replayed(const MapFunction<double>&, GraphSweep<double>&, NodeIndex);

}  // namespace tapeloop::detail
