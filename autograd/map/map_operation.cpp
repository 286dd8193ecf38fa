#include <autograd/kernels/few.hpp>
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

/// The start of each stream and the distance of its rows. The layouts refer to `part_shapes`, one for each
/// argument.
template <class T>
void lay_out_streams(const MapTable& table, const Tape<T>& tape, std::span<const NodeIndex> inputs,
                     std::span<const Shape> part_shapes, std::span<Layout> layouts,
                     std::span<const T*> data) {
    std::size_t k = 0;
    for (std::size_t a = 0; a < inputs.size(); ++a) {
        const Node<T>& node = tape.node(inputs[a]);
        const std::size_t parts = table.part_counts[a];
        const std::size_t row_stride = parts == 0 ? 0 : node.shape.back();
        // Without elements there is no memory to count from.
        const std::size_t width = parts == 0 || node.data == nullptr ? 0 : part_shapes[a].back();
        const T* start = node.data;
        for (std::size_t part = 0; part < std::max<std::size_t>(parts, 1); ++part, ++k, start += width) {
            layouts[k] = {&part_shapes[a], row_stride};
            data[k] = start;
        }
    }
}

/// Returns the shape to which the parts of the inputs broadcast, and sets `part_shapes` to theirs.
template <class T>
Shape broadcast_parts(const MapTable& table, const Tape<T>& tape, std::span<const NodeIndex> inputs,
                      std::span<Shape> part_shapes) {
    for (std::size_t a = 0; a < inputs.size(); ++a)
        set_part_shape(part_shapes[a], tape.node(inputs[a]).shape, table.part_counts[a]);
    const Shape* shape = part_shapes.data();
    Shape joint;
    for (const Shape& part : part_shapes.subspan(1))
        if (part != *shape) {
            joint = broadcast("map", *shape, part);
            shape = &joint;
        }
    return *shape;
}

template <class T>
void record_fused(const MapFunction<T>& map, Tape<T>& tape, const Shape& shape,
                  std::span<const Shape> part_shapes, std::span<const NodeIndex> inputs, const CallSite& site,
                  Var<T>* results) {
    const MapTable& table = map.table;
    const std::size_t in = table.places.size();
    Few<Layout, most_streams> layouts(in + table.results);
    Few<const T*, most_streams> data(in);
    lay_out_streams<T>(table, tape, inputs, part_shapes, layouts, data);
    Few<Target<T>, most_map_arguments> targets(table.results);
    Few<Array<T>, most_map_arguments> arrays(table.results);
    for (std::size_t r = 0; r < table.results; ++r) {
        layouts[in + r] = {&shape, 0};
        targets[r] = {tape.allocate(shape.size()), false};
        arrays[r] = Array<T>(shape, targets[r].data);
    }
    run_kernel<T>(shape, layouts, data, targets, map.kernel, map.function);
    const Operation<T>& operation = map.operation(tape, map.definition);
    if (table.results == 1) {
        results[0] = tape.var(tape.append(operation, inputs, shape, arrays[0].data(), site));
        return;
    }
    const NodeIndex first = tape.append_results(operation, inputs, shape, arrays, site);
    for (std::size_t r = 0; r < table.results; ++r) results[r] = tape.var(first + static_cast<NodeIndex>(r));
}

}  // namespace

Var<float> identity(const Operand<float>& x) { return apply(Identity{}, x); }
Var<double> identity(const Operand<double>& x) { return apply(Identity{}, x); }

template <class T>
void record_map(const MapFunction<T>& map, std::span<const Operand<T>* const> operands, const CallSite& site,
                Var<T>* results) {
    Tape<T>& tape = tape_of("map", operands);
    Rollback rollback(tape);
    Few<NodeIndex, most_map_arguments> inputs(operands.size());
    for (std::size_t a = 0; a < operands.size(); ++a) inputs[a] = operands[a]->enter(tape);
    Few<Shape, most_map_arguments> part_shapes(operands.size());
    const Shape shape =
        checked(tape, site, [&] { return broadcast_parts<T>(map.table, tape, inputs, part_shapes); });
    if (tape.options().fuse) {
        record_fused<T>(map, tape, shape, part_shapes, inputs, site, results);
        return rollback.keep();
    }
    map.replay(map.definition, tape, inputs, results);
    // A result that does not depend on all arguments has their joint shape nevertheless.
    for (std::size_t r = 0; r < map.table.results; ++r)
        if (results[r].shape() != shape) results[r] = broadcast_to(results[r], shape);
    rollback.keep();
}

template <class T>
void repeat_map(const MapTable& table, Steps<T>& steps, NodeIndex node, Kernel<T> kernel,
                const void* function) {
    const Tape<T>& tape = steps.tape();
    const auto inputs = tape.inputs(node);
    const NodeIndex first_result = tape.node(node).results == 0 ? node : node + 1;
    const Shape& shape = tape.node(first_result).shape;
    const std::size_t in = table.places.size();
    Few<Shape, most_map_arguments> part_shapes(inputs.size());
    for (std::size_t a = 0; a < inputs.size(); ++a)
        set_part_shape(part_shapes[a], tape.node(inputs[a]).shape, table.part_counts[a]);
    Few<Layout, most_streams> layouts(in + table.results);
    Few<const T*, most_streams> data(in);
    lay_out_streams<T>(table, tape, inputs, part_shapes, layouts, data);
    Few<Target<T>, most_map_arguments> targets(table.results);
    for (std::size_t r = 0; r < table.results; ++r) {
        layouts[in + r] = {&shape, 0};
        targets[r] = {steps.place(first_result + static_cast<NodeIndex>(r)).data(), false};
    }
    steps.pass(shape, layouts, data, targets, kernel, function);
}

template <class T>
void pull_map(const MapTable& table, Sweep<T>& sweep, NodeIndex node, Kernel<T> kernel,
              const void* function) {
    const Tape<T>& tape = sweep.tape();
    // Copies: the user's function may record, which moves the tape's vectors.
    const std::size_t count = table.part_counts.size();
    Few<NodeIndex, most_map_arguments> inputs(count);
    std::copy_n(tape.inputs(node).begin(), count, inputs.begin());
    const NodeIndex first_result = tape.node(node).results == 0 ? node : node + 1;
    const Shape shape = tape.node(first_result).shape;
    const std::size_t in = table.places.size();

    Few<Shape, most_map_arguments> part_shapes(count);
    for (std::size_t a = 0; a < count; ++a)
        set_part_shape(part_shapes[a], tape.node(inputs[a]).shape, table.part_counts[a]);
    Few<Layout, most_streams> layouts(in + table.results + in);
    Few<const T*, most_streams> data(in + table.results);
    lay_out_streams<T>(table, tape, inputs, part_shapes, layouts, data);
    static constexpr T nothing = 0;  // stands for the cotangent of a result that nobody used
    static const Shape scalar;
    for (std::size_t r = 0; r < table.results; ++r) {
        const NodeIndex result = first_result + static_cast<NodeIndex>(r);
        layouts[in + r] = {sweep.has(result) ? &shape : &scalar, 0};
        data[in + r] = sweep.has(result) ? sweep.cotangent(result).data() : &nothing;
    }

    Few<PassTarget<T>, most_map_arguments> wholes(count);
    for (std::size_t a = 0; a < count; ++a) {
        if (!sweep.wants(inputs[a])) continue;
        const NodeIndex* const before = inputs.begin() + a;
        const bool is_shared = std::find(inputs.begin(), inputs.begin() + a, inputs[a]) != before;
        wholes[a] = PassTarget<T>(sweep, inputs[a], part_shapes[a], shape, table.part_counts[a], is_shared);
    }
    Few<Target<T>, most_streams> targets(in);
    for (std::size_t a = 0, k = 0; a < count; ++a) {
        const std::size_t parts = table.part_counts[a];
        const bool is_wanted = wholes[a].target().data != nullptr;
        const Shape& part_shape = is_wanted ? wholes[a].part() : part_shapes[a];
        const std::size_t width = parts == 0 || !is_wanted ? 0 : part_shape.back();
        const Layout layout{&part_shape, width * parts};
        Target<T> target = wholes[a].target();
        for (std::size_t part = 0; part < std::max<std::size_t>(parts, 1); ++part, ++k) {
            layouts[in + table.results + k] = layout;
            targets[k] = target;
            target.data += width;
        }
    }
    sweep.steps_suffice();
    sweep.pass(shape, layouts, data, targets, kernel, function);
    for (std::size_t a = 0; a < count; ++a) wholes[a].deliver(sweep, node, inputs[a]);
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
template void repeat_map(const MapTable&, Steps<float>&, NodeIndex, Kernel<float>, const void*);
template void repeat_map(const MapTable&, Steps<double>&, NodeIndex, Kernel<double>, const void*);
template void pull_map(const MapTable&, Sweep<float>&, NodeIndex, Kernel<float>, const void*);
template void pull_map(const MapTable&, Sweep<double>&, NodeIndex, Kernel<double>, const void*);
template void pull_replayed(const MapFunction<float>&, GraphSweep<float>&, NodeIndex);
template void pull_replayed(const MapFunction<double>&, GraphSweep<double>&, NodeIndex);

}  // namespace tapeloop::detail
