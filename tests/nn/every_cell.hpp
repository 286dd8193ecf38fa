#pragma once

#include <nn/generator.hpp>
#include <nn/wrappers/any_layer.hpp>

#include <string>
#include <vector>

namespace tapeloop::test {

/// A layer under a name for messages.
struct NamedLayer {
    std::string name;
    nn::AnyLayer<double> layer;
    /// True for a cell that is linear in its state: unrolled with `hoist` it has no loop.
    bool is_linear = false;
};

/// Every cell of the library that reads 4 inputs, with options that change what a step records; wrappers,
/// stacks and both directions with them.
std::vector<NamedLayer> every_cell(nn::Generator& generator);

}  // namespace tapeloop::test
