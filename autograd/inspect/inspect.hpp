#pragma once

/// All for looking at a recorded tape. JSON, which needs `tapeloop::study`, is in autograd/study/json.hpp.
#include <autograd/inspect/dot.hpp>
#include <autograd/inspect/fold.hpp>
#include <autograd/inspect/graph.hpp>
#include <autograd/inspect/text.hpp>
