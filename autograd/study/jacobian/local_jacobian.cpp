#include <autograd/study/jacobian/local_jacobian.hpp>
#include <autograd/sweep/local_sweep.hpp>

#include <algorithm>

namespace tapeloop {

using namespace detail;

template <class T>
std::vector<LocalJacobian> local_jacobians(Tape<T>& tape, NodeIndex node, std::size_t largest) {
    tape.require_unchanged_parameters();
    const Shape shape = tape.node(node).shape;
    if (tape.node(node).data == nullptr || shape.size() > largest) return {};
    std::vector<NodeIndex> small = detail::distinct_inputs(tape, node);
    std::erase_if(small, [&](NodeIndex input) {
        return tape.node(input).data == nullptr || tape.node(input).shape.size() > largest;
    });
    if (small.empty() || tape.node(node).results == result_mark) return {};

    std::vector<LocalJacobian> jacobians;
    for (NodeIndex input : small)
        jacobians.push_back({input, Tensor<double>(xt::zeros<double>(std::vector<std::size_t>{
                                        shape.size(), tape.node(input).shape.size()}))});
    Tensor<T> one_hot = uninitialised<T>(shape);
    for (std::size_t row = 0; row < shape.size(); ++row) {
        std::fill_n(one_hot.data(), one_hot.size(), T(0));
        one_hot.data()[row] = 1;
        const auto parts = contributions<T>(
            tape, node, [&](NodeIndex) { return &one_hot; }, small);
        for (const Contribution<T>& part : parts) {
            const auto into = std::find_if(jacobians.begin(), jacobians.end(),
                                           [&](const auto& one) { return one.input == part.input; });
            std::copy_n(part.cotangent.data(), part.cotangent.size(),
                        into->matrix.data() + row * part.cotangent.size());
        }
    }
    return jacobians;
}

template std::vector<LocalJacobian> local_jacobians(Tape<float>&, NodeIndex, std::size_t);
template std::vector<LocalJacobian> local_jacobians(Tape<double>&, NodeIndex, std::size_t);

}  // namespace tapeloop
