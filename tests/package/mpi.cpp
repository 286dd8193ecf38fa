#include <autograd/ops/reduce.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/unroll.hpp>
#include <optim/mpi/mpi.hpp>
#include <optim/sgd.hpp>

#include <cstdlib>

// An outside project that trains on ranks; started without mpirun it is one.
int main() {
    using namespace tapeloop;
    optim::Ranks ranks;
    nn::Generator generator(1);
    nn::ElmanCell<float> cell(3, 4, generator);
    optim::Sgd<float> sgd(cell.parameters(), {.learning_rate = 0.1});
    optim::DataParallel<float> parallel(ranks, cell.parameters(), sgd);
    const auto learned = parallel.gradient(10, [&](const optim::Shard& shard) {
        const auto x = nn::normal<float>({5, shard.rows(), 3}, 0, 1, shard.generator);
        return optim::ShardLoss(sum(nn::unroll(cell, x).outputs), shard.rows());
    });
    sgd.step(learned.gradients);
    return learned.count == 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
