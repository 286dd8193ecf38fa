// What one more time step keeps on the tape, for each of the library's cells.
#include <fmt/core.h>
#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

namespace tapeloop::benchmarks {
namespace {

constexpr std::size_t batch = 32;
constexpr std::size_t hidden = 256;

template <class Cell>
TapeStatistics statistics(Cell& cell, std::size_t steps) {
    Tape<float> tape;
    const Var<float> x = input(nn::zeros<float>({steps, batch, hidden}));
    const Var<float> loss = sum(square(nn::unroll(cell, x).outputs));
    WrtList<float> wrt(cell.parameters());
    gradient(loss, wrt.add(x));
    return tape.statistics();
}

template <class Cell>
void report(std::string_view name, Cell cell) {
    constexpr std::size_t steps = 100;
    const TapeStatistics one = statistics(cell, steps);
    const TapeStatistics two = statistics(cell, 2 * steps);
    const auto per_row = [](std::size_t longer, std::size_t shorter) {
        return static_cast<double>(longer - shorter) /
               static_cast<double>(steps * batch * hidden * sizeof(float));
    };
    fmt::print("{:6} {:5.1f} nodes, values {:5.2f} H floats, cotangents at their peak {:5.2f} H floats\n",
               name, static_cast<double>(two.nodes - one.nodes) / static_cast<double>(steps),
               per_row(two.value_bytes, one.value_bytes), per_row(two.cotangent_bytes, one.cotangent_bytes));
}

}  // namespace
}  // namespace tapeloop::benchmarks

int main() {
    using namespace tapeloop;
    using namespace tapeloop::benchmarks;
    nn::Generator generator(1);
    fmt::print("One more time step, per row of a batch (I = H; the input and all outputs are part of it):\n");
    report("Elman", nn::ElmanCell<float>(hidden, hidden, generator));
    report("GRU", nn::GruCell<float>(hidden, hidden, generator));
    report("LSTM", nn::LstmCell<float>(hidden, hidden, generator));
}
