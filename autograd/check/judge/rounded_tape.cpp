#include <autograd/check/judge/rounded_tape.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

/// Returns the largest magnitude.
double round_to_float(const double* from, std::size_t size, double* to) {
    double largest = 0;
    for (std::size_t i = 0; i < size; ++i) {
        to[i] = static_cast<double>(static_cast<float>(from[i]));
        largest = std::max(largest, std::abs(to[i]));
    }
    return largest;
}

}  // namespace

void RoundedToFloat::appended(Tape<double>& tape, NodeIndex node) {
    const double* const value = tape.node(node).data;
    const std::size_t size = tape.node(node).shape.size();
    if (value == nullptr || size == 0) return;
    largest_size_ = std::max(largest_size_, size);
    double* const rounded = tape.allocate(size);
    largest_value_ = std::max(largest_value_, round_to_float(value, size, rounded));
    tape.replace_value(node, rounded);
}

void RoundedToFloat::pulled(Sweep<double>& sweep, NodeIndex node) {
    const auto round = [&](NodeIndex of) {
        if (!sweep.has(of)) return;
        double* const cotangent = sweep.target(of).data;
        const std::size_t size = sweep.tape().node(of).shape.size();
        largest_cotangent_ = std::max(largest_cotangent_, round_to_float(cotangent, size, cotangent));
    };
    for (const NodeIndex input : sweep.tape().inputs(node)) round(input);
    // Products that waited for company reach a node when it is its turn.
    if (sweep.tape().inputs(node).empty()) round(node);
}

}  // namespace tapeloop::detail
