#include <fmt/format.h>
#include <autograd/study/graph/fold.hpp>
#include <autograd/study/graph/loops.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

namespace tapeloop {

using namespace detail;

namespace {

using detail::StepPlace;
using detail::TimeLoops;

/// Nodes under construction: which group each belongs to, and which time step it serves.
class Folding {
  public:
    explicit Folding(const Graph& graph) : graph_(graph), times_(detail::find_loops(graph)) {
        for (const GraphNode& node : graph) nodes_.push_back(node.index);
        for (NodeIndex index : graph.outside()) nodes_.push_back(index);
        std::sort(nodes_.begin(), nodes_.end());
        group_steps();
        group_others();
        group_unused_results();
    }

    FoldedGraph result() {
        FoldedGraph folded{graph_, {}, {}};
        mark_odd_steps(folded);
        for (std::vector<NodeIndex>& members : groups_) {
            std::sort(members.begin(), members.end());
            const StepPlace* place = place_of(members.front());
            FoldedNode node{representative(members), members, {}, {}};
            if (place != nullptr) node.loop = place->loop;
            folded.nodes.push_back(std::move(node));
        }
        std::sort(folded.nodes.begin(), folded.nodes.end(),
                  [](const FoldedNode& a, const FoldedNode& b) { return a.index < b.index; });
        for (std::size_t i = 0; i < folded.nodes.size(); ++i)
            for (NodeIndex member : folded.nodes[i].members) group_of_[member] = i;
        for (FoldedNode& node : folded.nodes) add_inputs(folded, node);
        return folded;
    }

  private:
    const StepPlace* place_of(NodeIndex index) const {
        const auto found = times_.places.find(index);
        return found == times_.places.end() ? nullptr : &found->second;
    }
    std::string signature(const GraphNode& node, const std::string& shape) const {
        std::string text =
            fmt::format("{}\n{}\n{}\n{}", name_of(node.kind), node.operation, node.module, shape);
        for (std::size_t k = 0; k < node.inputs.size(); ++k)
            if (graph_[node.inputs[k]].kind == NodeKind::parameter)
                text += fmt::format("\n{}: {}", k, node.inputs[k]);
        return text;
    }
    /// The shape but for the rows: of a padded batch there are fewer in the steps that some do not have.
    static std::string shape_of_row(const Shape& shape) {
        return shape.rank() == 0 ? shape.text() : shape.with(0, 0).text();
    }
    static std::size_t rows_of(const Shape& shape) { return shape.rank() == 0 ? 1 : shape[0]; }
    void put(NodeIndex index, const std::string& key) {
        const auto [found, is_new] = group_of_key_.try_emplace(key, groups_.size());
        put(index, found->second);
    }
    void put(NodeIndex index, std::size_t group) {
        if (group == groups_.size()) groups_.emplace_back();
        groups_[group].push_back(index);
        group_of_[index] = group;
    }

    void group_steps() {
        std::unordered_map<std::string, std::size_t> before;
        for (NodeIndex index : nodes_) {
            const StepPlace* place = place_of(index);
            if (place == nullptr) continue;
            const GraphNode& node = graph_[index];
            const std::string part =
                fmt::format("{}\n{}", place->loop, signature(node, shape_of_row(node.shape)));
            const std::size_t same = before[fmt::format("{}\n{}", place->order, part)]++;
            put(index, fmt::format("step\n{}\n{}", part, same));
            time_of_[index] = *graph_[index].time_step;
        }
    }

    /// Users first, so that a chain of nodes that serves one step is folded as a whole.
    void group_others() {
        for (std::size_t i = nodes_.size(); i-- > 0;) {
            const NodeIndex index = nodes_[i];
            if (place_of(index) != nullptr) continue;
            const std::optional<std::string> uses = uses_in_one_step(graph_[index]);
            if (uses.has_value())
                put(index,
                    fmt::format("outside\n{}\n{}\n{}", signature(graph_[index], graph_[index].shape.text()),
                                *uses, graph_.contains(index)));
            else
                put(index, groups_.size());
        }
    }
    /// Returns what a node is used for if that is all in a single time step, which it then serves.
    std::optional<std::string> uses_in_one_step(const GraphNode& node) {
        if (node.kind == NodeKind::parameter) return {};
        std::set<std::pair<std::size_t, std::size_t>> uses;
        std::set<std::size_t> times;
        for (NodeIndex user : node.users) {
            if (!graph_.contains(user)) continue;
            const auto time = time_of_.find(user);
            if (time == time_of_.end()) return {};
            times.insert(time->second);
            const std::vector<NodeIndex>& inputs = graph_[user].inputs;
            for (std::size_t k = 0; k < inputs.size(); ++k)
                if (inputs[k] == node.index) uses.emplace(group_of_.at(user), k);
        }
        if (times.size() != 1) return {};
        time_of_[node.index] = *times.begin();
        std::string text;
        for (const auto& [group, argument] : uses) text += fmt::format("{}:{} ", group, argument);
        // Results of one operation belong together, those of two do not.
        if (node.kind == NodeKind::result) text += fmt::format("of {}", node.inputs.front());
        return text;
    }
    /// The rows of an unstacked sequence that nobody reads, behind the end of all of a batch.
    void group_unused_results() {
        std::unordered_map<NodeIndex, std::set<std::size_t>> served;  // by the node that made the results
        std::vector<NodeIndex> unused;
        for (NodeIndex index : nodes_) {
            const GraphNode& node = graph_[index];
            if (node.kind != NodeKind::result || place_of(index) != nullptr) continue;
            const std::size_t group = group_of_.at(index);
            if (node.users.empty()) unused.push_back(index);
            if (groups_[group].size() > 1) served[node.inputs.front()].insert(group);
        }
        for (NodeIndex index : unused) {
            const auto found = served.find(graph_[index].inputs.front());
            if (found == served.end() || found->second.size() != 1) continue;
            groups_[group_of_.at(index)].clear();
            put(index, *found->second.begin());
        }
        std::erase_if(groups_, [](const std::vector<NodeIndex>& members) { return members.empty(); });
        for (std::size_t group = 0; group < groups_.size(); ++group)
            for (NodeIndex member : groups_[group]) group_of_[member] = group;
    }

    /// Odd are the steps whose set of groups, or the rows in them, is not the most frequent one.
    void mark_odd_steps(FoldedGraph& folded) {
        using Groups = std::vector<std::pair<std::size_t, std::size_t>>;
        std::vector<std::vector<Groups>> of_step;
        for (const detail::TimeLoop& loop : times_.loops) of_step.emplace_back(loop.time_steps.size());
        for (const auto& [index, place] : times_.places)
            of_step[place.loop][place.order].emplace_back(group_of_.at(index), rows_of(graph_[index].shape));
        for (std::size_t l = 0; l < of_step.size(); ++l) {
            std::map<Groups, std::size_t> counts;
            for (Groups& groups : of_step[l]) {
                std::sort(groups.begin(), groups.end());
                ++counts[groups];
            }
            // Of equals the second step: there the state comes from the step before.
            std::size_t typical = of_step[l].size() - 1;
            for (std::size_t order = typical; order-- > 1;)
                if (counts[of_step[l][order]] >= counts[of_step[l][typical]]) typical = order;
            folded.loops.push_back({times_.loops[l].label, times_.loops[l].time_steps, {}});
            for (std::size_t order = 0; order < of_step[l].size(); ++order)
                if (of_step[l][order] != of_step[l][typical])
                    folded.loops[l].odd_steps.push_back(times_.loops[l].time_steps[order]);
            typical_.push_back(typical);
        }
    }
    NodeIndex representative(const std::vector<NodeIndex>& members) const {
        for (NodeIndex member : members)
            if (const StepPlace* place = place_of(member))
                if (place->order == typical_[place->loop]) return member;
        return members.front();
    }

    std::ptrdiff_t delay_between(NodeIndex from, NodeIndex to) const {
        const StepPlace* source = place_of(from);
        const StepPlace* user = place_of(to);
        if (source == nullptr || user == nullptr) return 0;
        if (source->loop == user->loop)
            return static_cast<std::ptrdiff_t>(user->order) - static_cast<std::ptrdiff_t>(source->order);
        return static_cast<std::ptrdiff_t>(time_of_.at(to)) - static_cast<std::ptrdiff_t>(time_of_.at(from));
    }
    /// The properties that make two inputs of a folded node one: argument, source, delay, and whether it was
    /// detached.
    using Way = std::tuple<std::size_t, std::size_t, std::ptrdiff_t, bool>;

    void add_input(const FoldedGraph& folded, FoldedNode& node, std::map<Way, std::size_t>& known,
                   NodeIndex member, std::size_t argument, NodeIndex input, bool detached) {
        const std::size_t from = group_of_.at(input);
        // One that gathers the steps of a loop, such as `stack`, does it by all of its arguments.
        const bool gathers = !node.loop.has_value() && folded.nodes[from].members.size() > 1;
        const std::ptrdiff_t delay = delay_between(input, member);
        const auto [found, is_new] =
            known.try_emplace({gathers ? 0 : argument, from, delay, detached}, node.inputs.size());
        if (is_new) node.inputs.push_back({argument, from, delay, {}, detached});
        const auto time = place_of(member) != nullptr ? time_of_.find(member) : time_of_.find(input);
        if (time != time_of_.end()) node.inputs[found->second].time_steps.push_back(time->second);
    }
    void add_inputs(const FoldedGraph& folded, FoldedNode& node) {
        std::map<Way, std::size_t> known;
        for (NodeIndex member : node.members) {
            if (!graph_.contains(member)) continue;
            const GraphNode& one = graph_[member];
            for (std::size_t k = 0; k < one.inputs.size(); ++k)
                add_input(folded, node, known, member, k, one.inputs[k], false);
            if (one.detached_from.has_value() && group_of_.contains(*one.detached_from))
                add_input(folded, node, known, member, 0, *one.detached_from, true);
        }
        for (FoldedInput& input : node.inputs) {
            std::sort(input.time_steps.begin(), input.time_steps.end());
            // From one loop to another, a single use is a handing over, not a delay.
            if (folded.nodes[input.from].loop != node.loop && input.time_steps.size() < 2) input.delay = 0;
        }
        const auto rank = [](const FoldedInput& input) {
            return std::tuple(input.argument, -static_cast<std::ptrdiff_t>(input.time_steps.size()),
                              input.delay == 0);
        };
        std::stable_sort(node.inputs.begin(), node.inputs.end(),
                         [&](const FoldedInput& a, const FoldedInput& b) { return rank(a) < rank(b); });
    }

    const Graph& graph_;
    TimeLoops times_;
    std::vector<NodeIndex> nodes_;
    std::vector<std::vector<NodeIndex>> groups_;
    std::unordered_map<std::string, std::size_t> group_of_key_;
    std::unordered_map<NodeIndex, std::size_t> group_of_;
    std::unordered_map<NodeIndex, std::size_t> time_of_;  ///< of nodes in a step, and of those that serve one
    std::vector<std::size_t> typical_;                    ///< step of each loop
};

}  // namespace

FoldedGraph fold(const Graph& graph) { return Folding(graph).result(); }

}  // namespace tapeloop
