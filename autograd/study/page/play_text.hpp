#pragma once

#include <autograd/study/graph/graph.hpp>
#include <autograd/study/page/write_study.hpp>

#include <string>

namespace tapeloop::detail {

/// The recording for the page's sliders, as `Transcript::read` takes it. Throws `std::invalid_argument` when
/// it cannot be run again: see `StudyOptions::playground`.
template <class T>
std::string play_text(Tape<T>& tape, const Graph& graph, std::optional<NodeIndex> J,
                      const StudyOptions& options);

extern template std::string play_text(Tape<float>&, const Graph&, std::optional<NodeIndex>,
                                      const StudyOptions&);
extern template std::string play_text(Tape<double>&, const Graph&, std::optional<NodeIndex>,
                                      const StudyOptions&);

}  // namespace tapeloop::detail
