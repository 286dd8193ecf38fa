#include <autograd/record/definition.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

// Arguments of an elementwise definition; what it reads besides are g and y.
constexpr std::size_t most_arguments = 8;

}  // namespace

template <class T>
Tape<T>& tape_of(std::string_view name, std::span<const Operand<T>* const> operands) {
    Tape<T>* tape = nullptr;
    for (const Operand<T>* operand : operands) {
        Tape<T>* own = operand->tape();
        if (own == nullptr || own == tape) continue;
        if (tape != nullptr)
            throw std::logic_error(with_site(
                fmt::format("{}: its arguments are on different tapes; pass one's value() as a constant",
                            name),
                operand->site(), ""));
        tape = own;
    }
    return tape != nullptr ? *tape : Tape<T>::current();
}

template <class T>
Var<T> record_elementwise(std::string_view name, std::span<const Operand<T>* const> operands,
                          Kernel<T> kernel, const void* function,
                          const Operation<T>& (*operation)(Tape<T>&, const void*), const void* def) {
    const std::size_t count = operands.size();
    Tape<T>& tape = tape_of(name, operands);
    const Operand<T>& x = *operands[0];
    Shape shape = x.shape();
    for (const Operand<T>* operand : operands)
        if (operand->shape() != shape)
            shape = checked(tape, x.site(), [&] { return broadcast(name, shape, operand->shape()); });

    Rollback rollback(tape);
    std::array<NodeIndex, most_arguments> inputs;
    for (std::size_t k = 0; k < count; ++k) inputs[k] = operands[k]->enter(tape);
    std::array<Layout, most_arguments + 1> layouts;
    std::array<const T*, most_arguments> data;
    for (std::size_t k = 0; k < count; ++k) {
        layouts[k] = {&tape.node(inputs[k]).shape, 0};
        data[k] = tape.node(inputs[k]).data;
    }
    layouts[count] = {&shape, 0};
    T* const result = tape.allocate(shape.size());
    const Target<T> target{result, false};
    run_kernel<T>(shape, {layouts.data(), count + 1}, {data.data(), count}, {&target, 1}, kernel, function);
    return rollback.keep(
        tape.var(tape.append(operation(tape, def), {inputs.data(), count}, shape, result, x.site())));
}

template <class T>
void repeat_elementwise(Steps<T>& steps, NodeIndex node, Kernel<T> kernel, const void* function) {
    const Tape<T>& tape = steps.tape();
    const auto inputs = tape.inputs(node);
    const Shape& shape = tape.node(node).shape;
    std::array<Layout, most_arguments + 1> layouts;
    std::array<const T*, most_arguments> data;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
        layouts[k] = {&tape.node(inputs[k]).shape, 0};
        data[k] = tape.node(inputs[k]).data;
    }
    layouts[inputs.size()] = {&shape, 0};
    const Target<T> target{steps.place(node).data(), false};
    steps.pass(shape, {layouts.data(), inputs.size() + 1}, {data.data(), inputs.size()}, {&target, 1}, kernel,
               function);
}

template <class T>
void pull_pass(Sweep<T>& sweep, NodeIndex node, std::span<const NodeIndex> inputs, NodeIndex input,
               Kernel<T> kernel, const void* function) {
    const Tape<T>& tape = sweep.tape();
    const Shape& shape = tape.node(node).shape;
    const std::size_t count = inputs.size() + 2;
    std::array<Layout, most_arguments + 3> layouts;
    std::array<const T*, most_arguments + 2> data;
    layouts[0] = {&shape, 0};
    data[0] = sweep.cotangent(node).data();
    layouts[1] = {&shape, 0};
    data[1] = tape.node(node).data;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
        layouts[k + 2] = {&tape.node(inputs[k]).shape, 0};
        data[k + 2] = tape.node(inputs[k]).data;
    }
    const PassTarget<T> target(sweep, input, tape.node(input).shape, shape);
    layouts[count] = {&target.part(), 0};
    sweep.pass(shape, {layouts.data(), count + 1}, {data.data(), count}, {&target.target(), 1}, kernel,
               function);
    target.deliver(sweep, node, input);
}

template Tape<float>& tape_of(std::string_view, std::span<const Operand<float>* const>);
template Tape<double>& tape_of(std::string_view, std::span<const Operand<double>* const>);
template Var<float> record_elementwise(std::string_view, std::span<const Operand<float>* const>,
                                       Kernel<float>, const void*,
                                       const Operation<float>& (*)(Tape<float>&, const void*), const void*);
template Var<double> record_elementwise(std::string_view, std::span<const Operand<double>* const>,
                                        Kernel<double>, const void*,
                                        const Operation<double>& (*)(Tape<double>&, const void*),
                                        const void*);
template void repeat_elementwise(Steps<float>&, NodeIndex, Kernel<float>, const void*);
template void repeat_elementwise(Steps<double>&, NodeIndex, Kernel<double>, const void*);
template void pull_pass(Sweep<float>&, NodeIndex, std::span<const NodeIndex>, NodeIndex, Kernel<float>,
                        const void*);
template void pull_pass(Sweep<double>&, NodeIndex, std::span<const NodeIndex>, NodeIndex, Kernel<double>,
                        const void*);

}  // namespace tapeloop::detail
