#pragma once

#include <autograd/check/locate/diagnosis.hpp>

#include <functional>

/// This file has the arithmetic on the slices of tensors and of Jacobians that lie in flat vectors.
namespace tapeloop::detail {

using Elements = std::vector<double>;

/// An axis as three nested loops: outer positions, the axis, what lies inside.
struct AxisLoops {
    std::size_t outer = 1;
    std::size_t extent = 1;
    std::size_t inner = 1;

    AxisLoops(const Shape& shape, std::size_t axis) : extent(shape[axis]) {
        for (std::size_t a = 0; a < axis; ++a) outer *= shape[a];
        for (std::size_t a = axis + 1; a < shape.rank(); ++a) inner *= shape[a];
    }
    std::size_t size() const { return outer * extent * inner; }
    std::size_t slice_of(std::size_t index) const { return index / inner % extent; }
    /// Returns the index of the same element in another slice.
    std::size_t moved(std::size_t index, std::size_t slice) const {
        return index - slice_of(index) * inner + slice * inner;
    }
};

/// The gradient that another cotangent would give, by the Jacobian.
Elements gradient_by_jacobian(const Evidence& evidence, const Elements& cotangent);
/// `x` with the element i from `from(i)`; none gives 0.
Elements rearranged(const Elements& x, const std::function<std::optional<std::size_t>(std::size_t)>& from);
/// Two axes of the same extent exchanged.
Elements transposed(const Elements& x, const Shape& shape, std::size_t a, std::size_t b);

/// Adds what factors may equal of a tensor: its axes' extents, and its size.
void add_extents(std::vector<Evidence::Extent>& extents, const std::string& name, const Shape& shape,
                 const InputInfo& info);

/// Compares candidates with the tape's gradient.
class Fit {
  public:
    explicit Fit(const Evidence& evidence);

    /// Returns whether the candidate is what the tape gave, where that is known, and much more so than the
    /// right gradient is.
    bool fits(const Elements& candidate) const;
    bool is_known(std::size_t i) const { return evidence_.tolerance[i] >= 0; }
    bool is_right(std::size_t i) const;
    /// Returns whether both values are next to nothing there.
    bool is_neutral(std::size_t i) const;
    bool near(std::size_t i, double a, double b) const;
    /// The largest known numeric value.
    double scale() const { return scale_; }

  private:
    const Evidence& evidence_;
    double scale_ = 0;
    double unexplained_ = 0;  ///< the squares of what the tape is away from the right gradient
};

}  // namespace tapeloop::detail
