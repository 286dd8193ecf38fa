#include <fmt/format.h>
#include <autograd/study/graph/loops.hpp>

#include <algorithm>
#include <string_view>

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

/// One of the visits of a loop's first step: its nodes, and which code it begins with.
struct Visit {
    std::vector<NodeIndex> nodes;
    std::string code;
};

class LoopFinder {
  public:
    /// Takes the next node. `code` says by which line of the program it was computed; it is empty for a leaf.
    void read(NodeIndex node, const std::string& path, std::optional<std::size_t> time_step,
              const std::string& code) {
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
        const std::size_t order = result_.loops[open.loop].time_steps.size() - 1;
        result_.places[node] = {open.loop, order};
        if (order > 0) return;
        Visit& visit = first_visits_[open.loop].back();
        visit.nodes.push_back(node);
        if (visit.code.empty()) visit.code = code;
    }
    TimeLoops result() && {
        split_first_steps();
        number_by_start();
        return std::move(result_);
    }

  private:
    void start(OpenLoop& open, const std::string& label, std::size_t time_step) {
        result_.loops.push_back({label, {time_step}});
        first_visits_.push_back({Visit{}});
        second_visits_.push_back(0);
        open = {result_.loops.size() - 1, 1, 0};
    }
    void go_on(OpenLoop& open, const std::string& label, std::size_t time_step) {
        std::vector<std::size_t>& steps = result_.loops[open.loop].time_steps;
        if (time_step == steps.back()) {
            if (in_step_ && label == last_label_) return;
            if (steps.size() > 1 && open.visits >= open.usual_visits) return start(open, label, time_step);
            ++open.visits;
            if (steps.size() == 1) first_visits_[open.loop].emplace_back();
        } else if (steps.size() == 1 || is_next(steps, time_step)) {
            steps.push_back(time_step);
            open.usual_visits = open.visits;
            open.visits = 1;
        } else {
            return start(open, label, time_step);
        }
        if (steps.size() == 2) second_visits_[open.loop] = open.visits;
    }
    /// Returns whether a step is as far from the last step as that was from the one before.
    static bool is_next(const std::vector<std::size_t>& steps, std::size_t time_step) {
        return time_step + steps[steps.size() - 2] == 2 * steps.back();
    }

    /// A loop of a single step looks like a first visit of the loop that follows it: the steps that come
    /// later tell, or the code, which begins anew.
    void split_first_steps() {
        for (std::size_t loop = 0; loop < first_visits_.size(); ++loop) {
            const std::vector<Visit>& visits = first_visits_[loop];
            const std::size_t usual = std::max<std::size_t>(second_visits_[loop], 1);
            for (std::size_t k = 0; k + usual < visits.size(); ++k) {
                if (visits[k].code != visits[k + usual].code) continue;
                const TimeLoop alone{result_.loops[loop].label, {result_.loops[loop].time_steps.front()}};
                for (NodeIndex node : visits[k].nodes) result_.places[node] = {result_.loops.size(), 0};
                result_.loops.push_back(alone);
            }
        }
    }
    /// Numbers the loops in the order of their first nodes.
    void number_by_start() {
        std::vector<std::size_t> order;
        std::vector<std::size_t> numbers(result_.loops.size(), 0);
        std::vector<bool> seen(result_.loops.size(), false);
        for (auto& [node, place] : result_.places) {
            if (!seen[place.loop]) {
                seen[place.loop] = true;
                numbers[place.loop] = order.size();
                order.push_back(place.loop);
            }
            place.loop = numbers[place.loop];
        }
        std::vector<TimeLoop> loops;
        for (std::size_t loop : order) loops.push_back(std::move(result_.loops[loop]));
        result_.loops = std::move(loops);
    }

    TimeLoops result_;
    std::vector<std::vector<Visit>> first_visits_;  ///< by loop
    std::vector<std::size_t> second_visits_;        ///< by loop, how many its second step has
    std::map<std::string, OpenLoop> open_;
    bool in_step_ = false;
    std::string last_label_;
};

std::string code_of(std::string_view operation, std::string_view file, std::size_t line) {
    return fmt::format("{} {}:{}", operation, file, line);
}

}  // namespace

TimeLoops find_loops(const Graph& graph) {
    LoopFinder finder;
    for (const GraphNode& node : graph)
        // A parameter is recorded in the midst of the step that uses it first.
        if (node.kind != NodeKind::parameter)
            finder.read(node.index, node.label, node.time_step,
                        node.inputs.empty() ? "" : code_of(node.operation, node.file, node.line));
    return std::move(finder).result();
}

template <class T>
TimeLoops find_loops(const Tape<T>& tape) {
    LoopFinder finder;
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        if (tape.parameter(node) != nullptr) continue;
        const CallSite& site = tape.node(node).site;
        finder.read(node, tape.label(node), tape.time_step(node),
                    tape.inputs(node).empty()
                        ? ""
                        : code_of(tape.node(node).operation->name(), site.file_name(), site.line()));
    }
    return std::move(finder).result();
}

std::string loop_suffix(std::size_t before) { return before == 0 ? "" : fmt::format(" (loop {})", before); }

template TimeLoops find_loops(const Tape<float>&);
template TimeLoops find_loops(const Tape<double>&);

}  // namespace tapeloop::detail
