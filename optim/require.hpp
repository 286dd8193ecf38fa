#pragma once

#include <autograd/gradient.hpp>

#include <string_view>

/// The checks that optimizers and what stands beside them make before anything is changed. Each throws
/// `std::invalid_argument` with a text that opens with the name of the operation.
namespace tapeloop::optim::detail {

/// Throws unless `value` is in [low, high].
void require_option(std::string_view operation, std::string_view option, double value, double low,
                    double high);
/// Throws unless `value` is finite and at least 0.
void require_not_negative(std::string_view operation, std::string_view option, double value);
/// Throws unless `value` is in [0, 1).
void require_below_one(std::string_view operation, std::string_view option, double value);

/// The index of the first element that is NaN or infinite; the size if there is none.
template <class T>
std::size_t first_not_finite(const Tensor<T>& tensor);

/// Throws when a gradient holds a NaN or an infinity; the text closes with `consequence`.
template <class T>
void require_finite(std::string_view operation, const Gradients<T>& gradients, std::string_view consequence);

}  // namespace tapeloop::optim::detail
