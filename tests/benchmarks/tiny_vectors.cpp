// Many steps of tiny vectors, where recording is all there is: an LSTM without matrices, six layers of seven
// doubles, against its value as a plain loop. o and f are functions of x, i and g of h.
#include <benchmark/benchmark.h>
#include <autograd/autograd.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>

#include <array>
#include <cmath>
#include <vector>

namespace tapeloop::benchmarks {
namespace {

constexpr std::size_t layers = 6;
constexpr std::size_t width = 7;

using Row = std::array<double, width>;

/// Weights and biases of o, f, i and g.
struct Layer {
    std::array<Parameter<double>, 8> weights;
};

struct Net {
    std::vector<Layer> all;
    std::vector<Tensor<double>> x;

    explicit Net(std::size_t steps) {
        nn::Generator generator(1);
        const auto row = [&] { return nn::normal<double>({width}, 0, 0.5, generator); };
        for (std::size_t l = 0; l < layers; ++l) {
            Layer layer;
            for (auto& weight : layer.weights) weight = Parameter<double>("w", row());
            all.push_back(std::move(layer));
        }
        for (std::size_t t = 0; t < steps; ++t) x.push_back(row());
    }
    ParameterList<double> parameters() {
        ParameterList<double> list;
        for (Layer& layer : all)
            for (auto& weight : layer.weights) list.add(weight);
        return list;
    }
    /// A loss at every step.
    Var<double> loss() const {
        const auto step = [](auto u, auto h, auto c, auto wo, auto bo, auto wf, auto bf, auto wi, auto bi,
                             auto wg, auto bg) {
            auto next = sigmoid(wf * u + bf) * c + sigmoid(wi * h + bi) * tanh(wg * h + bg);
            return std::pair{sigmoid(wo * u + bo) * tanh(next), next};
        };
        const Var<double> zero = input(nn::zeros<double>({width}));
        std::vector<Var<double>> h(layers, zero), c(layers, zero), losses;
        for (const Tensor<double>& at_t : x) {
            Var<double> above = input(at_t);
            for (std::size_t l = 0; l < layers; ++l) {
                const auto& w = all[l].weights;
                const auto [next_h, next_c] =
                    map(step, above, h[l], c[l], w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]);
                above = h[l] = next_h;
                c[l] = next_c;
            }
            losses.push_back(sum(above));
        }
        return sum(stack(losses));
    }
    /// The same in plain loops.
    double plain() const {
        std::array<Row, layers> h{}, c{};
        double total = 0;
        for (const Tensor<double>& at_t : x) {
            Row above;
            std::copy_n(at_t.data(), width, above.begin());
            for (std::size_t l = 0; l < layers; ++l)
                for (std::size_t k = 0; k < width; ++k) {
                    const auto w = [&](std::size_t i) { return all[l].weights[i].value().data()[k]; };
                    const auto sigma = [](double v) { return 1 / (1 + std::exp(-v)); };
                    double& own_h = h[l][k];
                    c[l][k] = sigma(w(2) * above[k] + w(3)) * c[l][k] +
                              sigma(w(4) * own_h + w(5)) * std::tanh(w(6) * own_h + w(7));
                    own_h = sigma(w(0) * above[k] + w(1)) * std::tanh(c[l][k]);
                    above[k] = own_h;
                }
            for (const double v : above) total += v;
        }
        return total;
    }
};

std::size_t steps_of(const benchmark::State& state) { return static_cast<std::size_t>(state.range(0)); }

void plain(benchmark::State& state) {
    const Net net(steps_of(state));
    for (auto _ : state) benchmark::DoNotOptimize(net.plain());
}
void recorded(benchmark::State& state) {
    const Net net(steps_of(state));
    for (auto _ : state) {
        Tape<double> tape;
        benchmark::DoNotOptimize(net.loss().item());
    }
}
void recorded_with_gradient(benchmark::State& state) {
    Net net(steps_of(state));
    const auto parameters = net.parameters();
    for (auto _ : state) {
        Tape<double> tape;
        benchmark::DoNotOptimize(gradient(net.loss(), parameters).at(0).data());
    }
}
template <bool with_gradient>
void program(benchmark::State& state) {
    Net net(steps_of(state));
    Tape<double> tape;
    Program<double> program(net.loss(), net.parameters());
    for (auto _ : state) {
        if constexpr (with_gradient)
            program.run();
        else
            program.run_forward();
        benchmark::DoNotOptimize(program.gradients().at(0).data());
    }
}

BENCHMARK(plain)->Arg(1024)->Arg(8192)->Unit(benchmark::kMillisecond);
BENCHMARK(recorded)->Arg(1024)->Arg(8192)->Unit(benchmark::kMillisecond);
BENCHMARK(recorded_with_gradient)->Arg(1024)->Arg(8192)->Unit(benchmark::kMillisecond);
BENCHMARK(program<false>)->Arg(1024)->Arg(8192)->Unit(benchmark::kMillisecond);
BENCHMARK(program<true>)->Arg(1024)->Arg(8192)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tapeloop::benchmarks

BENCHMARK_MAIN();
