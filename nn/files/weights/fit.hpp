#pragma once

#include <nn/files/weights/weights.hpp>

namespace tapeloop::nn::detail {

/// The arrays of a naming among those of a file, in its order.
struct Fit {
    std::vector<const AnyArray*> arrays;  ///< null where there is none
    /// The place of the first array that holds the same in the same way: parameters that are one, listed
    /// under several names.
    std::vector<std::size_t> same_as;
};

/// Finds the arrays of a naming. Throws `std::invalid_argument` with all that is missing, left over or
/// otherwise does not fit, `where` being what holds them.
template <class T>
Fit require_fit(const NamedArrays& given, const Naming<T>& naming, LoadOptions options,
                std::string_view where);

/// Throws `std::invalid_argument`, naming `operation`, unless the naming holds every column of each of its
/// parameters once.
template <class T>
void require_whole_parameters(std::string_view operation, const Naming<T>& naming);

}  // namespace tapeloop::nn::detail
