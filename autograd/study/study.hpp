#pragma once

/// All for studying a recorded tape. `write_study`, `write_comparison`, `StudyRecorder` and `to_json` are in
/// the CMake target `tapeloop::study`.
#include <autograd/study/derivation/derivation.hpp>
#include <autograd/study/derivation/latex.hpp>
#include <autograd/study/events/summary_writer.hpp>
#include <autograd/study/explain/explain.hpp>
#include <autograd/study/flow/backward_wave.hpp>
#include <autograd/study/flow/gate_role.hpp>
#include <autograd/study/flow/gate_saturation.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/flow/gradient_norms.hpp>
#include <autograd/study/flow/parameter_uses.hpp>
#include <autograd/study/graph/dot.hpp>
#include <autograd/study/graph/fold.hpp>
#include <autograd/study/graph/graph.hpp>
#include <autograd/study/graph/text.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/jacobian/jacobian_spectrum.hpp>
#include <autograd/study/jacobian/local_jacobian.hpp>
#include <autograd/study/jacobian/states.hpp>
#include <autograd/study/page/comparison.hpp>
#include <autograd/study/page/json.hpp>
#include <autograd/study/page/playground.hpp>
#include <autograd/study/page/study_recorder.hpp>
#include <autograd/study/page/write_study.hpp>
