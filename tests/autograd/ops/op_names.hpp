#pragma once

#include <set>
#include <string>
#include <string_view>

namespace tapeloop::test {

/// The names of the operations that a header declares: functions outside classes whose result has a
/// `Var<double>`, the operators of `Var`, and in `autograd/ops` whatever is a template that gives a
/// `Tensor<T>` or `Var<T>`.
std::set<std::string> declared_operations(std::string_view header, bool is_of_operations);

/// Those of all headers of the engine, in the source tree that the tests were built from.
std::set<std::string> declared_operations();

}  // namespace tapeloop::test
