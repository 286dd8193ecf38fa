#include <nn/training.hpp>

#include <utility>

namespace tapeloop::nn {
namespace {

thread_local Generator* current = nullptr;

}  // namespace

Training::Training(Generator& generator) : outer_(std::exchange(current, &generator)) {}
Training::~Training() { current = outer_; }
Generator* Training::generator() { return current; }

Evaluation::Evaluation() : outer_(std::exchange(current, nullptr)) {}
Evaluation::~Evaluation() { current = outer_; }

}  // namespace tapeloop::nn
