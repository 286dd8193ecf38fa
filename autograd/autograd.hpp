#pragma once

/// The whole engine.
#include <autograd/custom.hpp>
#include <autograd/derivatives.hpp>
#include <autograd/elementwise.hpp>
#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/conv.hpp>
#include <autograd/ops/einsum.hpp>
#include <autograd/ops/elementary.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/order.hpp>
#include <autograd/ops/prod.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/scan.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/parameter.hpp>
#include <autograd/tape.hpp>
#include <autograd/tensor.hpp>
#include <autograd/var.hpp>
#include <autograd/watch.hpp>
