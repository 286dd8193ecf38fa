// What recording, sweeping and running again one node costs, in nanoseconds, for small operations in a chain.
#include <benchmark/benchmark.h>
#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/program.hpp>
#include <nn/initialisers.hpp>

namespace tapeloop::benchmarks {
namespace {

constexpr std::int64_t chain = 1000;

struct Tanh {
    Var<float> operator()(const Var<float>& x) const { return tanh(x); }
};
struct Add {
    Var<float> operator()(const Var<float>& x) const { return x + x; }
};
struct Multiply {
    Var<float> operator()(const Var<float>& x) const { return x * x; }
};
struct Map {
    Var<float> operator()(const Var<float>& x) const {
        return map([](auto a) { return tanh(a) * a; }, x);
    }
};
struct Matmul {
    Parameter<float> W{"W", nn::identity<float>(16, 0.5)};
    Var<float> operator()(const Var<float>& x) const { return matmul(x, W); }
};

template <class Op>
Var<float> record_chain(const Op& op, std::size_t width) {
    Var<float> x = input(nn::zeros<float>({1, width}));
    for (std::int64_t i = 0; i < chain; ++i) x = op(x);
    return x;
}

// Time divided by the number of operations.
void report_per_node(benchmark::State& state) {
    state.counters["s/node"] =
        benchmark::Counter(static_cast<double>(chain),
                           benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <class Op>
void record(benchmark::State& state) {
    const Op op;
    for (auto _ : state) {
        Tape<float> tape;
        benchmark::DoNotOptimize(record_chain(op, static_cast<std::size_t>(state.range(0))));
    }
    report_per_node(state);
}

template <class Op>
void sweep(benchmark::State& state) {
    const Op op;
    Tape<float> tape;
    const Var<float> y = record_chain(op, static_cast<std::size_t>(state.range(0)));
    const Var<float> J = sum(y);
    const Var<float> x = tape.var(0);
    for (auto _ : state) {
        const Gradients<float> gradients = gradient(J, {x});
        benchmark::DoNotOptimize(gradients.at(0).data());
    }
    report_per_node(state);
}

/// The forward half of a program, or all of it.
template <class Op, bool is_whole>
void run(benchmark::State& state) {
    const Op op;
    Tape<float> tape;
    const Var<float> J = sum(record_chain(op, static_cast<std::size_t>(state.range(0))));
    Program<float> program(J, {tape.var(0)});
    for (auto _ : state) {
        if constexpr (is_whole)
            program.run();
        else
            program.run_forward();
        benchmark::DoNotOptimize(program.gradients().at(0).data());
    }
    report_per_node(state);
}

BENCHMARK(record<Tanh>)->Arg(1)->Arg(16)->Arg(64);
BENCHMARK(sweep<Tanh>)->Arg(1)->Arg(16)->Arg(64);
BENCHMARK(run<Tanh, false>)->Arg(1)->Arg(16)->Arg(64);
BENCHMARK(run<Tanh, true>)->Arg(1)->Arg(16)->Arg(64);
BENCHMARK(record<Add>)->Arg(16);
BENCHMARK(sweep<Add>)->Arg(16);
BENCHMARK(run<Add, false>)->Arg(16);
BENCHMARK(run<Add, true>)->Arg(16);
BENCHMARK(record<Multiply>)->Arg(16);
BENCHMARK(sweep<Multiply>)->Arg(16);
BENCHMARK(run<Multiply, false>)->Arg(16);
BENCHMARK(run<Multiply, true>)->Arg(16);
BENCHMARK(record<Map>)->Arg(16);
BENCHMARK(sweep<Map>)->Arg(16);
BENCHMARK(run<Map, false>)->Arg(16);
BENCHMARK(run<Map, true>)->Arg(16);
BENCHMARK(record<Matmul>)->Arg(16);
BENCHMARK(sweep<Matmul>)->Arg(16);
BENCHMARK(run<Matmul, false>)->Arg(16);
BENCHMARK(run<Matmul, true>)->Arg(16);

}  // namespace
}  // namespace tapeloop::benchmarks

BENCHMARK_MAIN();
