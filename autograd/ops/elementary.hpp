#pragma once

#include <autograd/ops/elementary/activations.hpp>
#include <autograd/ops/elementary/arithmetic.hpp>
#include <autograd/ops/elementary/choices.hpp>
#include <autograd/ops/elementary/curves.hpp>
#include <autograd/ops/elementary/declare.hpp>
#include <autograd/ops/elementary/powers.hpp>
#include <autograd/ops/elementary/steps.hpp>

#undef TAPELOOP_UNARY_WITH_BOTH
#undef TAPELOOP_UNARY_WITH
#undef TAPELOOP_BINARY
#undef TAPELOOP_UNARY
#undef TAPELOOP_RECORDED_CHOICE
#undef TAPELOOP_RECORDED_BINARY
#undef TAPELOOP_RECORDED_UNARY
#undef TAPELOOP_OPERAND
#undef TAPELOOP_DEFINE
#undef TAPELOOP_COMPILED_FOR
