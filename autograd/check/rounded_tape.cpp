#include <autograd/check/rounded_tape.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

void round_to_float(const double* from, std::size_t size, double* to) {
    std::transform(from, from + size, to,
                   [](double x) { return static_cast<double>(static_cast<float>(x)); });
}

}  // namespace

void RoundedToFloat::appended(Tape<double>& tape, NodeIndex node) {
    const double* const value = tape.node(node).data;
    const std::size_t size = tape.node(node).shape.size();
    if (value == nullptr || size == 0) return;
    double* const rounded = tape.allocate(size);
    round_to_float(value, size, rounded);
    tape.replace_value(node, rounded);
}

void RoundedToFloat::pulled(Sweep<double>& sweep, NodeIndex node) {
    const auto round = [&](NodeIndex of) {
        if (!sweep.has(of)) return;
        double* const cotangent = sweep.target(of).data;
        round_to_float(cotangent, sweep.tape().node(of).shape.size(), cotangent);
    };
    for (const NodeIndex input : sweep.tape().inputs(node)) round(input);
    // Products that waited for company reach a node when it is its turn.
    if (sweep.tape().inputs(node).empty()) round(node);
}

}  // namespace tapeloop::detail
