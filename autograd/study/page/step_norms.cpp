#include <autograd/kernels/norm.hpp>
#include <autograd/study/page/step_norms.hpp>
#include <autograd/study/page/tensor_json.hpp>

#include <limits>

namespace tapeloop::detail {

StepNorms::StepNorms(const Graph& graph, const std::map<NodeIndex, std::string>& names)
    : graph_(graph), names_(names) {
    for (const auto& [parameter, name] : names_) {
        bool outside = false;
        for (NodeIndex user : graph_[parameter].users) {
            const std::optional<std::size_t> time_step = graph_[user].time_step;
            if (time_step.has_value())
                ++uses_[{parameter, *time_step}];
            else
                outside = true;
        }
        if (outside) outside_.push_back(name);
    }
}

template <class T>
void StepNorms::add(NodeIndex node, const Contribution<T>& contribution) {
    if (!graph_[node].time_step.has_value()) return;
    const Place place{contribution.input, *graph_[node].time_step};
    const auto left = uses_.find(place);
    if (left == uses_.end()) return;

    const auto [sum, first] = sums_.try_emplace(place, contribution.cotangent);
    if (!first) sum->second += contribution.cotangent;
    std::vector<double>& norms = norms_[place.first];
    if (norms.size() <= place.second)
        norms.resize(place.second + 1, std::numeric_limits<double>::quiet_NaN());
    norms[place.second] = norm_of(sum->second);
    // Sums can be large; the last use of a time step ends its sum.
    if (--left->second == 0) sums_.erase(sum);
}

nlohmann::json StepNorms::json() const {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [parameter, norms] : norms_)
        list.push_back({{"parameter", names_.at(parameter)}, {"by_step", numbers_json(norms)}});
    return list;
}

template void StepNorms::add(NodeIndex, const Contribution<float>&);
template void StepNorms::add(NodeIndex, const Contribution<double>&);

}  // namespace tapeloop::detail
