#pragma once

#include <functional>
#include <string>

namespace tapeloop::nn::detail {

/// Returns how a program would end in `action`, such as `signal 11, Segmentation fault`; empty if it would
/// come back from it, by an exception too. Found in a child process, which is what dies; where there can be
/// none, `action` is not run and the answer is empty. It may run for a minute.
std::string death_in(const std::function<void()>& action);

}  // namespace tapeloop::nn::detail
