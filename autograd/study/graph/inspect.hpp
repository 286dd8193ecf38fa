#pragma once

/// All for looking at a recorded tape. JSON, which needs `tapeloop::study`, is in autograd/study/json.hpp.
#include <autograd/study/graph/dot.hpp>
#include <autograd/study/graph/fold.hpp>
#include <autograd/study/graph/graph.hpp>
#include <autograd/study/graph/text.hpp>
