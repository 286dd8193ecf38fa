#pragma once

#include <autograd/sweep/sweep.hpp>

namespace tapeloop::detail {

/// The place where an elementwise pass over `shape` puts the cotangent of an argument that broadcasts to it:
/// in place where their elements correspond, row by row where rows repeat, else aside, to be summed when it
/// is whole. The argument may be packed: `parts` equal parts of its last axis, each of which broadcasts to
/// `shape`.
template <class T>
class PassTarget {
  public:
    /// Empty: nobody wants this cotangent.
    PassTarget() = default;
    /// Of an argument whose parts have the shape `part`; it and `shape` must outlive the target. `is_shared`
    /// says that the pass has another target for the same argument.
    PassTarget(Sweep<T>& sweep, NodeIndex input, const Shape& part, const Shape& shape, std::size_t parts = 0,
               bool is_shared = false);

    const Target<T>& target() const { return target_; }
    /// The shape of one part as the pass writes it.
    const Shape& part() const { return *part_; }
    /// Hands over what was put aside.
    void deliver(Sweep<T>& sweep, NodeIndex node, NodeIndex input) const;

  private:
    std::size_t parts_ = 0;
    const Shape* part_ = nullptr;
    Target<T> target_{};
    Array<T> aside_;
};

/// Sets `part` to the shape of each of `parts` equal parts of the last axis; 0 parts leave it as it is.
/// Throws when the axis does not divide.
void set_part_shape(Shape& part, const Shape& packed, std::size_t parts);

extern template class PassTarget<float>;
extern template class PassTarget<double>;

}  // namespace tapeloop::detail
