#pragma once

#include <autograd/study/graph/graph.hpp>
#include <autograd/study/page/write_study.hpp>

#include <nlohmann/json.hpp>

namespace tapeloop::detail {

/// All that the page shows, as README.md in this folder describes it. Throws as `write_study` does.
template <class T>
nlohmann::json study_json(Tape<T>& tape, const Gradients<T>& gradients, const StudyOptions& options);

extern template nlohmann::json study_json(Tape<float>&, const Gradients<float>&, const StudyOptions&);
extern template nlohmann::json study_json(Tape<double>&, const Gradients<double>&, const StudyOptions&);

}  // namespace tapeloop::detail
