#pragma once

#include <autograd/study/play/replay.hpp>

#include <string>

namespace tapeloop::detail {

/// The figures of a replay as JSON, of which the page makes its plots: as the page's data has them, but each
/// ledger's norms and shares as plain lists, and parameters by their nodes. Numbers keep all their digits,
/// and those that JSON lacks are the words "nan", "inf" and "-inf".
std::string figures_text(const PlayedFigures& figures);

}  // namespace tapeloop::detail
