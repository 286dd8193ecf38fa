#pragma once

#include <autograd/tensor.hpp>

#include <string>
#include <vector>

namespace tapeloop::nn {

/// The distance of two computations of one gradient.
struct Deviation {
    std::string name;             ///< of what it is the gradient by: `U`, `h(0)`
    Shape shape;                  ///< of the gradient
    std::size_t compared = 0;     ///< how many of its elements were compared
    double largest = 0;           ///< the largest magnitude in it
    double scale = 0;             ///< what the difference is relative to: `largest`, or larger
    double relative = 0;          ///< the largest difference over `scale`; infinite when one side has a NaN
    std::vector<std::size_t> at;  ///< where that difference is
    double tape = 0;              ///< the tape's value there
    double other = 0;             ///< and the other one

    /// Compares one element more, in row-major order, and keeps it if it is the worst so far.
    void note(std::size_t index, double of_tape, double of_other);
};

namespace detail {

/// The largest difference between the tape's gradient and another one of the same shape, relative to the
/// largest entry or to `scale`, if that is larger.
Deviation largest_deviation(std::string name, const Tensor<double>& tape, const Tensor<double>& other,
                            double scale = 0);

/// `[2, 7, 1]`
std::string place_text(const std::vector<std::size_t>& position);

/// The largest magnitude; 0 of no elements, and NaN is passed over.
double largest_of(const Tensor<double>& tensor);

}  // namespace detail

}  // namespace tapeloop::nn
