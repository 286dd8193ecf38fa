#include <autograd/var.hpp>

// The lines of elementary.hpp become definitions.
#define TAPELOOP_COMPILED_FOR float
#include <autograd/ops/elementary.hpp>

#include <autograd/record/definition.hpp>
