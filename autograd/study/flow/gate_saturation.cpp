#include <autograd/study/flow/gate_names.hpp>
#include <autograd/study/flow/gate_roles.hpp>
#include <autograd/study/flow/gate_saturation.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
std::string title_of(Tape<T>& tape, NodeIndex node, const std::vector<std::string>& gates) {
    const std::string module = tape.module(node);
    const std::string path = module.empty() ? "" : module + "/";
    if (const std::optional<std::string> gate = gate_name(tape, node, gates)) return path + *gate;
    const CallSite& site = tape.node(node).site;
    return fmt::format("{}{} ({}:{})", path, tape.node(node).operation->name(),
                       std::filesystem::path(site.file_name()).filename().string(), site.line());
}

struct Count {
    std::size_t low = 0;
    std::size_t high = 0;
    std::size_t elements = 0;
    double sum = 0;

    template <class T>
    void add(const Array<T>& y, const Limits& limits) {
        for (std::size_t i = 0; i < y.size(); ++i) {
            const auto value = static_cast<double>(y.data()[i]);
            if (value < limits.low + saturated_within) ++low;
            if (value > limits.high - saturated_within) ++high;
            sum += value;
        }
        elements += y.size();
    }
};

/// A gate within one loop over time.
struct GateCount {
    std::string gate;
    std::string operation;
    std::size_t loop;
    Limits limits;
    GateRole role = GateRole::none;
    std::vector<Count> steps = {};
};

GateSaturation summary(std::string gate, const GateCount& one) {
    GateSaturation result{std::move(gate), one.operation, one.role, one.limits, {}, {}, {}, {}};
    for (const Count& count : one.steps) {
        const auto per_element = [&count](double sum) {
            return count.elements == 0 ? std::numeric_limits<double>::quiet_NaN()
                                       : sum / static_cast<double>(count.elements);
        };
        result.shares.push_back(per_element(static_cast<double>(count.low + count.high)));
        result.low.push_back(per_element(static_cast<double>(count.low)));
        result.high.push_back(per_element(static_cast<double>(count.high)));
        result.means.push_back(per_element(count.sum));
    }
    return result;
}

}  // namespace

template <class T>
std::vector<GateSaturation> gate_saturation(Tape<T>& tape, const std::vector<std::string>& gates) {
    const detail::TimeLoops times = detail::find_loops(tape);
    const detail::GateRoles<T> roles(tape, times);
    std::vector<GateCount> counts;
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        if (!is_squash_of_step(tape, node)) continue;
        const std::size_t time_step = *tape.time_step(node);
        const std::string operation(tape.node(node).operation->name());
        const std::string name = title_of(tape, node, gates);
        const std::size_t loop = times.places.at(node).loop;
        const Limits& limits = tape.node(node).operation->description().limits;
        auto one = std::find_if(counts.begin(), counts.end(), [&](const GateCount& other) {
            return other.loop == loop && other.gate == name && other.operation == operation;
        });
        if (one == counts.end()) one = counts.insert(one, {name, operation, loop, limits});
        if (one->steps.size() <= time_step) one->steps.resize(time_step + 1);
        one->steps[time_step].add(tape.array(node), limits);
        if (one->role == GateRole::none) one->role = roles.of(node);
    }
    std::vector<GateSaturation> found;
    std::map<std::string, std::map<std::string, std::size_t>> loops;  // by gate and operation
    for (const GateCount& one : counts) {
        const std::size_t before = loops[one.gate][one.operation]++;
        found.push_back(summary(one.gate + detail::loop_suffix(before), one));
    }
    return found;
}

template std::vector<GateSaturation> gate_saturation(Tape<float>&, const std::vector<std::string>&);
template std::vector<GateSaturation> gate_saturation(Tape<double>&, const std::vector<std::string>&);

}  // namespace tapeloop
