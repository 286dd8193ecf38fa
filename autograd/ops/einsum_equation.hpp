#pragma once

#include <autograd/shape.hpp>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// This file reads the equation of an `einsum` for given shapes.
namespace tapeloop::detail {

/// The names of a tensor's axes: letters, and a digit for each axis that `...` stands for, 0 for the last of
/// them.
using Labels = std::string;

inline bool has(const Labels& labels, char label) { return labels.find(label) != Labels::npos; }

struct EinsumEquation {
    std::vector<Labels> arguments;
    Labels result;
    /// The extents, by label.
    std::array<std::size_t, 128> extents{};

    std::size_t extent(char label) const { return extents[static_cast<unsigned char>(label)]; }
    Shape shape(const Labels& labels) const {
        Shape shape;
        for (char label : labels) shape.append(extent(label));
        return shape;
    }
};

/// Reads an equation and checks the arguments' shapes against it. Throws `std::invalid_argument`.
EinsumEquation read_einsum(std::string_view text, std::span<const Shape> arguments);

/// The way in which the labels of two arguments meet: run along both and are kept, are summed over, or belong
/// to one alone.
struct EinsumPair {
    Labels batch;
    Labels inner;
    Labels only_a;
    Labels only_b;

    /// Products of single elements do, without a product of matrices.
    bool multiplies_only() const {
        return inner.empty() || (!batch.empty() && only_a.empty() && only_b.empty());
    }
    /// Returns the labels of the result.
    Labels kept() const { return batch + only_a + only_b; }
};

/// Pairs the labels of arguments from which everything that is neither in the other nor in `kept` has been
/// summed away.
EinsumPair pair_of(const Labels& a, const Labels& b, const Labels& kept);

/// Returns the labels that argument `k` and those before it must keep: what the result and later arguments
/// have.
Labels kept_behind(const EinsumEquation& equation, std::size_t k);

}  // namespace tapeloop::detail
