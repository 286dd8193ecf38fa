#pragma once

#include <nn/files/naming/counterpart.hpp>
#include <nn/files/naming/known_layers.hpp>
#include <nn/files/weights/naming.hpp>

/// Namings of layers whose types are only known while the program runs.
namespace tapeloop::nn::detail {

/// Returns what `name` makes of the layer that is held, nothing for a `Dropout`. Throws
/// `std::invalid_argument` when it is none that others have.
template <class T, class Name>
Naming<T> naming_of_held(std::string_view operation, std::string_view library, AnyLayer<T>& held,
                         const Name& name) {
    Naming<T> arrays;
    const bool is_known = visit_known(held, [&](auto& known) {
        if constexpr (requires { name(known); }) arrays = name(known);
    });
    if (!is_known) fail_unknown_layer(operation, library);
    return arrays;
}

/// Returns what `name` makes of each layer, under the name that it has in the stack.
template <class T, class Name>
Naming<T> naming_of_layers(Stack<T>& stack, const Name& name) {
    Naming<T> arrays;
    for (std::size_t k = 0; k < stack.size(); ++k) arrays.add(stack.name(k), name(stack.layer(k)));
    return arrays;
}

}  // namespace tapeloop::nn::detail
