// What the page calls: a recording is opened, its leaves are changed where they lie, it is run, and values
// and cotangents are read where they lie. Nodes are called by their ids.
#include <autograd/study/play/figures_text.hpp>
#include <autograd/study/play/replay.hpp>

#include <emscripten.h>

#include <exception>
#include <optional>

namespace {

using tapeloop::NodeIndex;
using tapeloop::Tensor;
using tapeloop::detail::Replay;

std::optional<Replay> replay;
std::string figures;

/// What was wrong, empty if nothing was.
template <class F>
const char* error_of(const F& perform) {
    static std::string error;
    try {
        perform();
        error.clear();
    } catch (const std::exception& thrown) {
        error = thrown.what();
    }
    return error.c_str();
}

const double* data_of(const Tensor<double>* tensor) { return tensor == nullptr ? nullptr : tensor->data(); }

}  // namespace

extern "C" {

EMSCRIPTEN_KEEPALIVE const char* play_open(const char* text) {
    return error_of([&] { replay.emplace(tapeloop::detail::Transcript::read(text)); });
}
EMSCRIPTEN_KEEPALIVE double* play_elements(NodeIndex node) { return replay->elements(node).data(); }
EMSCRIPTEN_KEEPALIVE const char* play_run() {
    return error_of([] {
        replay->run();
        figures = tapeloop::detail::figures_text(replay->figures());
    });
}
EMSCRIPTEN_KEEPALIVE const double* play_value(NodeIndex node) { return data_of(replay->value(node)); }
EMSCRIPTEN_KEEPALIVE const double* play_cotangent(NodeIndex node) { return data_of(replay->cotangent(node)); }
EMSCRIPTEN_KEEPALIVE const char* play_figures() { return figures.c_str(); }

}  // extern "C"
