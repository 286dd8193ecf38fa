#pragma once

#include <autograd/record/description.hpp>

#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <vector>

/// The operations that a program can record, known without recording any.
namespace tapeloop::detail {

struct DefinedOperation {
    std::string_view name;
    const Description* description;  ///< null where it depends on what the operation was called with
    const std::type_info* definition;
};

/// Those whose definitions are linked into the program, in no particular order.
std::vector<DefinedOperation>& defined_operations();

/// True if all operations of a definition have one name; a user's `custom` gives each its own.
template <class Def>
concept HasConstantName = requires {
    typename std::bool_constant<(Def::name.size() > 0)>;
};

/// Enters a definition into the list, before `main`, in every program that has its code.
template <class Def>
struct DefinitionEntry {
    static bool enter() {
        const Description* description = nullptr;
        if constexpr (!DescribedByCall<Def>) description = &constant_description<Def>;
        defined_operations().push_back({Def::name, description, &typeid(Def)});
        return true;
    }
    static inline const bool is_entered = enter();
};

}  // namespace tapeloop::detail
