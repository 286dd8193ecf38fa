// What a budget of memory costs: the gradient of a loss at every time step, in all of the memory and in parts
// of it.
//     memory_budget [--long]
// With --long it ends with a million time steps of an Elman cell, beside a thousand of them, in a process of
// its own, whose largest memory is that which the system counts.
#include <fmt/format.h>
#include <sys/resource.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace {

using namespace tapeloop;

struct Figures {
    double milliseconds;
    TapeStatistics statistics;
};

/// One gradient; the loss reads every output.
template <class Cell>
Figures figures_of(const Cell& cell, ParameterList<float> parameters, const Tensor<float>& x,
                   std::size_t memory) {
    const auto begin = std::chrono::steady_clock::now();
    Tape<float> tape;
    const Var<float> J = mean(square(nn::unroll(cell, x, {.memory = memory}).outputs));
    gradient(J, parameters);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    return {took.count(), tape.statistics()};
}

template <class Cell>
Figures median_of(const Cell& cell, const ParameterList<float>& parameters, const Tensor<float>& x,
                  std::size_t memory, int rounds) {
    std::vector<Figures> all;
    for (int round = 0; round < rounds; ++round) all.push_back(figures_of(cell, parameters, x, memory));
    std::sort(all.begin(), all.end(),
              [](const Figures& a, const Figures& b) { return a.milliseconds < b.milliseconds; });
    return all[all.size() / 2];
}

/// The bytes that the time steps need when nothing is dropped, besides x and the outputs.
std::size_t bytes_of_steps(const TapeStatistics& whole, const Tensor<float>& x, std::size_t units) {
    const std::size_t rows = x.shape()[0] * x.shape()[1];
    const std::size_t stays = sizeof(float) * rows * (x.shape()[2] + units);
    return whole.peak_bytes - whole.cotangent_bytes - stays;
}

void compare(std::size_t T, std::size_t B, std::size_t H, const std::vector<double>& parts, int rounds) {
    nn::Generator generator(1);
    nn::LstmCell<float> cell(H, H, generator);
    const Tensor<float> x = nn::normal<float>({T, B, H}, 0, 1, generator);
    const auto parameters = cell.parameters();
    const Figures whole = median_of(cell, parameters, x, 0, rounds);
    const std::size_t all = bytes_of_steps(whole.statistics, x, H);
    fmt::print("LSTM T={} B={} H={}: {:.1f} ms, {:.1f} MB for the time steps\n", T, B, H, whole.milliseconds,
               static_cast<double>(all) / 1e6);
    for (const double part : parts) {
        const auto memory = static_cast<std::size_t>(part * static_cast<double>(all));
        const Figures parted = median_of(cell, parameters, x, memory, rounds);
        fmt::print(
            "  {:5.1f} % of it: {:.2f} times the time, {:.1f} MB held at once of what was computed again\n",
            100 * part, parted.milliseconds / whole.milliseconds,
            static_cast<double>(parted.statistics.recomputed_bytes) / 1e6);
    }
}

void run_long() {
    nn::Generator generator(1);
    nn::ElmanCell<float> cell(1, 32, generator);
    const auto parameters = cell.parameters();
    const Tensor<float> a_thousand = nn::normal<float>({1'000, 1, 1}, 0, 1, generator);
    const Tensor<float> a_million = nn::normal<float>({1'000'000, 1, 1}, 0, 1, generator);
    const double of_thousand = median_of(cell, parameters, a_thousand, 0, 21).milliseconds / 1e3;
    const auto begin = std::chrono::steady_clock::now();
    Tape<float> tape;
    // The loss is part of what is computed again: a million outputs are never there at once.
    const Var<float> x = input(a_million);
    std::pair sum_and_state{input(nn::zeros<float>({})), cell.initial_state(1)};
    for (std::ptrdiff_t t = 0; t < 1'000'000; t += 1'000)
        sum_and_state = nn::recomputed([&cell, part = slice(x, 0, t, t + 1'000), before = sum_and_state] {
            const auto unrolled = nn::unroll(cell, part, before.second);
            return std::pair{before.first + sum(square(unrolled.outputs)), unrolled.state};
        });
    gradient(sum_and_state.first, parameters);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const double of_million = took.count() * 1e3 / 1e6;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    fmt::print(
        "Elman B=1 H=32: {:.2f} us a step of T=1,000 and {:.2f} of T=1,000,000 ({:.2f} times), {} MB in "
        "all\n",
        1e3 * of_thousand, 1e3 * of_million, of_million / of_thousand, usage.ru_maxrss / 1000);
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 1 && std::string_view(arguments[1]) == "--long") {
        run_long();
        return 0;
    }
    compare(1'000, 8, 64, {0.5, 0.2, 0.1, 0.05}, 7);
    compare(1'000, 32, 128, {0.05}, 3);
    compare(10'000, 8, 64, {0.05, 0.01}, 3);
}
