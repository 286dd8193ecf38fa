#include <fmt/format.h>
#include <autograd/study/graph/loops.hpp>

namespace tapeloop::detail {
namespace {

/// The label path in front of the node's innermost time step: `decoder` of `decoder/t=3/attention`.
std::string path_before_step(const std::string& label, std::size_t time_step) {
    const std::string part = fmt::format("t={}", time_step);
    std::size_t at = label.rfind(part);
    const auto is_whole = [&] {
        const std::size_t behind = at + part.size();
        return (at == 0 || label[at - 1] == '/') && (behind == label.size() || label[behind] == '/');
    };
    while (at != std::string::npos && at != 0 && !is_whole()) at = label.rfind(part, at - 1);
    return at == std::string::npos || at == 0 ? "" : label.substr(0, at - 1);
}

/// The last loop under a label, while it may still go on.
struct OpenLoop {
    std::size_t loop = 0;
    std::size_t visits = 0;  ///< of the step that it is in: a loop's body may label its parts one by one
    std::size_t usual_visits = 0;  ///< of the step before
};

class LoopFinder {
  public:
    void read(NodeIndex node, const std::string& path, std::optional<std::size_t> time_step) {
        if (!time_step.has_value()) {
            in_step_ = false;
            return;
        }
        const std::string label = path_before_step(path, *time_step);
        const auto [found, is_new] = open_.try_emplace(label);
        if (is_new)
            start(found->second, label, *time_step);
        else
            go_on(found->second, label, *time_step);
        in_step_ = true;
        last_label_ = label;
        const OpenLoop& open = found->second;
        result_.places[node] = {open.loop, result_.loops[open.loop].time_steps.size() - 1};
    }
    TimeLoops result() && { return std::move(result_); }

  private:
    void start(OpenLoop& open, const std::string& label, std::size_t time_step) {
        result_.loops.push_back({label, {time_step}});
        open = {result_.loops.size() - 1, 1, 0};
    }
    void go_on(OpenLoop& open, const std::string& label, std::size_t time_step) {
        std::vector<std::size_t>& steps = result_.loops[open.loop].time_steps;
        if (time_step == steps.back()) {
            if (in_step_ && label == last_label_) return;
            if (steps.size() == 1 || open.visits < open.usual_visits)
                ++open.visits;
            else
                start(open, label, time_step);
        } else if (steps.size() == 1 || is_next(steps, time_step)) {
            steps.push_back(time_step);
            open.usual_visits = open.visits;
            open.visits = 1;
        } else {
            start(open, label, time_step);
        }
    }
    /// Returns whether a step is as far from the last step as that was from the one before.
    static bool is_next(const std::vector<std::size_t>& steps, std::size_t time_step) {
        return time_step + steps[steps.size() - 2] == 2 * steps.back();
    }

    TimeLoops result_;
    std::map<std::string, OpenLoop> open_;
    bool in_step_ = false;
    std::string last_label_;
};

}  // namespace

TimeLoops find_loops(const Graph& graph) {
    LoopFinder finder;
    for (const GraphNode& node : graph)
        // A parameter is recorded in the midst of the step that uses it first.
        if (node.kind != NodeKind::parameter) finder.read(node.index, node.label, node.time_step);
    return std::move(finder).result();
}

template <class T>
TimeLoops find_loops(const Tape<T>& tape) {
    LoopFinder finder;
    for (NodeIndex node = 0; node < tape.size(); ++node)
        if (tape.parameter(node) == nullptr) finder.read(node, tape.label(node), tape.time_step(node));
    return std::move(finder).result();
}

std::string loop_suffix(std::size_t before) { return before == 0 ? "" : fmt::format(" (loop {})", before); }

template TimeLoops find_loops(const Tape<float>&);
template TimeLoops find_loops(const Tape<double>&);

}  // namespace tapeloop::detail
