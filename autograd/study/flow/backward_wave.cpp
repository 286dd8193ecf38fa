#include <autograd/kernels/norm.hpp>
#include <autograd/study/flow/backward_wave.hpp>
#include <autograd/wrt.hpp>

namespace tapeloop {

using namespace detail;

namespace {

/// Returns for each node of the tape its cotangent, null for those that were not asked for.
template <class T>
std::vector<const Tensor<T>*> cotangents(const Tape<T>& tape, const Gradients<T>& gradients) {
    std::vector<const Tensor<T>*> of(tape.size(), nullptr);
    for (std::size_t i = 0; i < gradients.size(); ++i)
        if (const auto node = detail::find_node(tape, gradients.wrt()[i], "backward_wave"))
            of[*node] = &gradients.at(i);
    return of;
}

}  // namespace

template <class T>
std::vector<NodeIndex> backward_wave(Tape<T>& tape, const Gradients<T>& gradients,
                                     const WaveVisitor<T>& visit) {
    tape.require_unchanged_parameters();
    const std::vector<const Tensor<T>*> of = cotangents(tape, gradients);
    // A gradient is zeros both where zeros arrive and where nothing does; only the first are part of the
    // wave.
    std::vector<bool> arrived(tape.size(), false);
    std::vector<NodeIndex> roots;
    for (auto node = static_cast<NodeIndex>(tape.size()); node-- > 0;) {
        if (of[node] != nullptr && !arrived[node] && !detail::is_zero(*of[node])) {
            arrived[node] = true;
            roots.push_back(node);
        }
        const CotangentOf<T> cotangent_of = [&](NodeIndex result) {
            return arrived[result] ? of[result] : nullptr;
        };
        for (const Contribution<T>& contribution : contributions(tape, node, cotangent_of)) {
            arrived[contribution.input] = true;
            visit(node, contribution);
        }
    }
    return roots;
}

template std::vector<NodeIndex> backward_wave(Tape<float>&, const Gradients<float>&,
                                              const WaveVisitor<float>&);
template std::vector<NodeIndex> backward_wave(Tape<double>&, const Gradients<double>&,
                                              const WaveVisitor<double>&);

}  // namespace tapeloop
