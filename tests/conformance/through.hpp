#pragma once

#include <nn/wrappers/stack.hpp>

#include <stdexcept>
#include <string>

namespace tapeloop::conformance {

/// Another library has not what a case needs; the text says why.
class Refused : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Writes the parameters into a file under the names of `library` (ours, pytorch, keras, flax or equinox),
/// forgets them, and reads them from there. Throws `Refused` when it has no such layers.
void send_through_file(nn::Stack<double>& stack, const std::string& library);

}  // namespace tapeloop::conformance
