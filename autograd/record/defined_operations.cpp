#include <autograd/record/defined_operations.hpp>

namespace tapeloop::detail {

std::vector<DefinedOperation>& defined_operations() {
    static std::vector<DefinedOperation> operations;
    return operations;
}

}  // namespace tapeloop::detail
