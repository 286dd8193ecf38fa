#pragma once

#include <nn/files/named_arrays.hpp>
#include <nn/files/weights/naming.hpp>

#include <deque>
#include <functional>

namespace tapeloop::nn::detail {

/// The arrays of a naming, ready to be written. What lies as it does in its parameter is referred to, the
/// rest is put together here.
template <class T>
struct Outgoing {
    std::vector<ArrayView> views;
    std::deque<Tensor<T>> put_together;  // a deque, since views refer to them
};

/// What becomes of a bias that others have twice.
enum class Second {
    zero,  ///< all goes into the first: of two that are added up
    same   ///< both are the same: of gradients
};

/// The arrays of a naming, where `value_of` returns what is to be taken for a parameter, of its shape.
template <class T>
Outgoing<T> outgoing(const Naming<T>& naming,
                     const std::function<const Tensor<T>&(const Parameter<T>&)>& value_of, Second second);

/// The arrays of a naming, copied.
template <class T>
NamedArrays copied(const Outgoing<T>& outgoing);

/// Takes an array of the naming over into its parameters, of elements of any floating-point type S: seconds
/// are added to what is there, all else replaces it.
template <class T, class S>
void take(const OutsideArray<T>& array, const S* values, bool seconds);

/// Sets the parts of parameters that an array holds to zero, but for seconds.
template <class T>
void take_zeros(const OutsideArray<T>& array);

}  // namespace tapeloop::nn::detail
