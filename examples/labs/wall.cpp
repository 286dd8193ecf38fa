// Exploding gradients, and why clipping them helps: the wall in the loss of a network with a single unit.
//
// The unit is h(t) = w s(h(t-1)) + b, s being the sigmoid; it starts from h(0) = 0.5, and the loss asks that
// s(h(50)) be 0.7: the network of figure 6 of Pascanu, Mikolov and Bengio, "On the difficulty of training
// recurrent neural networks" (ICML 2013). Where the unit tips from one fixed point to another, the loss is a
// wall: flat on both sides, with a gradient that has grown at each of 50 steps in between. A step of gradient
// descent that lands on it is thrown far away; clipped to a norm, it goes on in the same direction, but not
// far.
#include "claims.hpp"
#include "command_line.hpp"
#include "plot.hpp"
#include "table.hpp"

#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace tapeloop;
using namespace lab;

namespace {

constexpr std::size_t time_steps = 50;

/// The loss of every element of w and b, a network each.
template <class Weight>
Var<double> losses(const Weight& w, const Weight& b) {
    Var<double> h = input(nn::ones<double>(w.shape())) * 0.5;
    for (std::size_t t = 0; t < time_steps; ++t) {
        const LabelScope<double> step(t);
        h = w * sigmoid(h) + b;
    }
    return square(sigmoid(h) - 0.7);
}

struct Range {
    double low;
    double high;
    std::size_t count;

    double at(std::size_t i) const {
        return low + (high - low) * static_cast<double>(i) / static_cast<double>(count - 1);
    }
};

/// Losses and the norms of their gradients over a grid, all in one sweep: element i of the batch has no part
/// in the loss of another.
struct Surface {
    Range w;
    Range b;
    Tensor<double> loss;
    Tensor<double> slope;

    Surface(Range over_w, Range over_b) : w(over_w), b(over_b) {
        Tensor<double> w_values = nn::zeros<double>({b.count, w.count});
        Tensor<double> b_values = nn::zeros<double>({b.count, w.count});
        for (std::size_t i = 0; i < w_values.size(); ++i) {
            w_values.data()[i] = w.at(i % w.count);
            b_values.data()[i] = b.at(i / w.count);
        }
        Tape<double> tape;
        const Var<double> w_var = input(w_values);
        const Var<double> b_var = input(b_values);
        const Var<double> all = losses(w_var, b_var);
        const Gradients<double> gradients = gradient(sum(all), {w_var, b_var});
        loss = all.value();
        slope = xt::sqrt(xt::square(gradients[w_var]) + xt::square(gradients[b_var]));
    }
    double largest_slope() const { return *std::max_element(slope.begin(), slope.end()); }
    double median_slope() const {
        std::vector<double> sorted(slope.begin(), slope.end());
        std::sort(sorted.begin(), sorted.end());
        return sorted[sorted.size() / 2];
    }
};

/// Draws a steepness up to `largest`, on a logarithmic scale of six decades; of a loss, the loss itself.
HeatMap picture(const std::string& title, const Surface& surface,
                const std::function<double(std::size_t)>& f) {
    HeatMap map{title, "w", "b", {}, {}, {}};
    const auto tick = [](const Range& range, std::size_t i) {
        return i % 10 == 0 ? fmt::format("{:.2f}", range.at(i)) : std::string();
    };
    for (std::size_t i = 0; i < surface.w.count; ++i) map.columns.push_back(tick(surface.w, i));
    for (std::size_t row = surface.b.count; row-- > 0;) {
        map.rows.push_back(tick(surface.b, row));
        map.values.emplace_back();
        for (std::size_t i = 0; i < surface.w.count; ++i)
            map.values.back().push_back(f(row * surface.w.count + i));
    }
    return map;
}

/// Gradient descent, one point a step.
struct Descent {
    std::vector<double> loss;
    double largest_gradient = 0;
    double farthest = 0;  ///< the longest single step

    Descent(double w_start, double b_start, double max_norm, std::size_t steps) {
        Parameter<double> w("w", Tensor<double>(w_start));
        Parameter<double> b("b", Tensor<double>(b_start));
        const ParameterList<double> parameters = parameter_list(w, b);
        optim::Sgd<double> sgd(parameters, {.learning_rate = learning_rate});
        for (std::size_t step = 0; step < steps; ++step) {
            Tape<double> tape;
            const Var<double> J = losses(w, b);
            loss.push_back(J.item());
            Gradients<double> gradients = gradient(J, parameters);
            const double norm = optim::clip_by_norm(gradients, max_norm);
            largest_gradient = std::max(largest_gradient, norm);
            farthest = std::max(farthest, learning_rate * std::min(norm, max_norm));
            sgd.step(gradients);
        }
    }
    double mean_of_last(std::size_t count) const {
        double sum = 0;
        for (std::size_t i = loss.size() - count; i < loss.size(); ++i) sum += loss[i];
        return sum / static_cast<double>(count);
    }

    static constexpr double learning_rate = 0.1;
};

Series loss_curve(const std::string& name, const Descent& descent) {
    Series series{name, {}, descent.loss, Style::line};
    for (std::size_t i = 0; i < descent.loss.size(); ++i) series.x.push_back(static_cast<double>(i));
    return series;
}

int perform(const Options& options) {
    const std::size_t points = 81;
    const Surface surface({4, 7, points}, {-3.2, -1.4, points});
    const double steepest = surface.largest_slope();

    const std::size_t steps = 400;
    const double unlimited = 1e300;
    const Descent plain(5.6, -2.3, unlimited, steps);
    const Descent clipped(5.6, -2.3, 0.5, steps);

    const auto row = [&](const std::string& name, const Descent& descent) {
        return std::vector<std::string>{name, fmt::format("{:.4f}", descent.mean_of_last(steps / 4)),
                                        fmt::format("{:.3g}", descent.largest_gradient),
                                        fmt::format("{:.3g}", descent.farthest)};
    };
    fmt::print(
        "One unit, {} steps: over w from {} to {} and b from {} to {} the gradient's norm reaches {:.3g}\n"
        "where the loss is a wall; half of the grid has less than {:.1e}.\n\n"
        "Gradient descent from w = 5.6, b = -2.3, {} steps, learning rate {}:\n\n{}\n",
        time_steps, surface.w.low, surface.w.high, surface.b.low, surface.b.high, steepest,
        surface.median_slope(), steps, Descent::learning_rate,
        table({"", "loss, last quarter", "largest gradient", "longest step"},
              {row("as it is", plain), row("clipped to norm 0.5", clipped)}));

    const auto loss_at = [&](std::size_t i) { return surface.loss.data()[i] / 0.5; };
    const auto slope_at = [&](std::size_t i) {
        return std::clamp(1 + std::log10(surface.slope.data()[i] / steepest) / 6, 0.0, 1.0);
    };
    save({{picture("loss", surface, loss_at), picture("norm of the gradient, six decades", surface, slope_at),
           LinePlot{"Gradient descent",
                    "step",
                    "loss",
                    {loss_curve("as it is", plain), loss_curve("clipped", clipped)}}},
          3,
          520,
          440},
         options.output / "wall.svg");

    Claims claims(options.quick);
    claims.holds("the wall is a hundred times as steep as half of the grid",
                 steepest > 100 * surface.median_slope());
    claims.holds("plain descent is thrown farther than a clipped step can go",
                 plain.farthest > 100 * clipped.farthest);
    claims.holds("clipped descent ends below plain descent",
                 clipped.mean_of_last(steps / 4) < plain.mean_of_last(steps / 4));
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_wall",
               "Shows the wall in the loss of a recurrent unit, and what clipping does.", perform);
}
