#include "run.hpp"

#include "model.hpp"
#include "through.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tapeloop::conformance {
namespace {

using Parts = std::vector<Tensor<double>>;

/// The k-th of what lies side by side along the first axis.
Tensor<double> part_of(const Tensor<double>& whole, std::size_t k) {
    const Shape shape = shape_of(whole);
    Tensor<double> part = tapeloop::detail::uninitialised<double>({shape[1], shape[2]});
    std::copy_n(whole.data() + k * part.size(), part.size(), part.data());
    return part;
}

/// Parts of one shape side by side; nothing when their shapes differ, for then the format has no place.
std::optional<Tensor<double>> side_by_side(const Parts& parts) {
    const Shape one = shape_of(parts.front());
    Tensor<double> whole = tapeloop::detail::uninitialised<double>({parts.size(), one[0], one[1]});
    for (std::size_t k = 0; k < parts.size(); ++k) {
        if (shape_of(parts[k]) != one) return std::nullopt;
        std::copy_n(parts[k].data(), parts[k].size(), whole.data() + k * parts[k].size());
    }
    return whole;
}

/// One case on a tape.
class Run {
  public:
    Run(const Case& c, const std::string& through)
        : case_(c), model_(c), step_(c.kind == Kind::lstm ? 2 : 1) {
        if (!through.empty()) send_through_file(model_.stack(), through);
    }

    Outcome operator()() {
        const Tape<double> tape;
        x_ = input(case_.x);
        const auto unrolled = nn::unroll(model_.stack(), x_, initial_state(), {.lengths = case_.lengths});
        output_ = unrolled.outputs;
        nn::for_each_part([this](const Var<double>& part) { final_.push_back(part); }, unrolled.state);
        Outcome outcome{{output_.value(), states(final_, 0), std::nullopt}, {}};
        if (step_ == 2) outcome.results.c = states(final_, 1);
        if (case_.gradients) outcome.gradients = gradients();
        return outcome;
    }

  private:
    /// The file's h0 and c0, or zeros. The parts of the state are h, c of every direction in the file's
    /// order.
    nn::Stack<double>::State initial_state() {
        const auto usual = model_.stack().initial_state(case_.x.shape()[1]);
        if (case_.c0 && step_ == 1) fail("inputs.c0: only an LSTM has it");
        const auto given = [this](const Var<double>& zero) {
            const std::size_t k = initial_.size();
            const auto& whole = k % step_ == 0 ? case_.h0 : case_.c0;
            initial_.push_back(whole ? input(part_of(*whole, k / step_)) : input(zero.value()));
            return initial_.back();
        };
        std::vector<Var<double>> parts;
        nn::for_each_part([&](const Var<double>& part) { parts.push_back(part); }, usual);
        require_states("inputs.h0", case_.h0, parts, 0);
        require_states("inputs.c0", case_.c0, parts, 1);
        return nn::map_state(given, usual);
    }

    void require_states(const char* name, const std::optional<Tensor<double>>& given,
                        const std::vector<Var<double>>& parts, std::size_t first) const {
        if (!given) return;
        for (std::size_t k = first; k < parts.size(); k += step_) {
            const Shape& part = parts[k].shape();
            require(name, *given, {parts.size() / step_, part[0], part[1]});
        }
    }

    void require(const char* name, const Tensor<double>& given, const Shape& shape) const {
        if (shape_of(given) != shape)
            fail(fmt::format("{} is {}; it must be {}", name, shape_of(given).text(), shape.text()));
    }

    [[noreturn]] void fail(const std::string& text) const { throw Malformed(text); }

    /// Every h, or every c, as one tensor.
    std::optional<Tensor<double>> states(const std::vector<Var<double>>& parts, std::size_t first) const {
        Parts values;
        for (std::size_t k = first; k < parts.size(); k += step_) values.push_back(parts[k].value());
        return side_by_side(values);
    }

    std::vector<GradientRoot<double>> roots() const {
        const Results& objective = case_.objective;
        std::vector<GradientRoot<double>> roots;
        if (objective.output) {
            require("objective.output", *objective.output, output_.shape());
            roots.push_back({output_, *objective.output});
        }
        if (objective.c && step_ == 1) fail("objective.c: only an LSTM has it");
        require_states("objective.h", objective.h, final_, 0);
        require_states("objective.c", objective.c, final_, 1);
        for (std::size_t k = 0; k < final_.size(); ++k) {
            const auto& whole = k % step_ == 0 ? objective.h : objective.c;
            if (whole) roots.push_back({final_[k], part_of(*whole, k / step_)});
        }
        return roots;
    }

    LayerGradients gradients() {
        WrtList<double> wrt(model_.stack().parameters());
        wrt.add(x_);
        for (const Var<double>& part : initial_) wrt.add(part);
        const Gradients<double> all = gradient(roots(), wrt);

        LayerGradients result{all[x_], state_gradients(all, 0), std::nullopt, {}};
        if (step_ == 2) result.c0 = state_gradients(all, 1);
        for (const Model::LayerNaming& layer : model_.layers())
            result.layers.push_back(
                {gradient_entries(layer.forward, all), gradient_entries(layer.reverse, all)});
        return result;
    }

    std::optional<Tensor<double>> state_gradients(const Gradients<double>& all, std::size_t first) const {
        Parts values;
        for (std::size_t k = first; k < initial_.size(); k += step_) values.push_back(all[initial_[k]]);
        return side_by_side(values);
    }

    const Case& case_;
    Model model_;
    std::size_t step_;  ///< parts of a direction's state: h, or h and c
    Var<double> x_;
    Var<double> output_;
    std::vector<Var<double>> initial_;
    std::vector<Var<double>> final_;
};

}  // namespace

Outcome run(const Case& c, const std::string& through) { return Run(c, through)(); }

}  // namespace tapeloop::conformance
