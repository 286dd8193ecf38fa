#include <nn/generator.hpp>
#include <optim/mpi/fingerprint.hpp>
#include <optim/mpi/shuffled.hpp>

#include <numeric>
#include <utility>

namespace tapeloop::optim {

std::vector<std::size_t> shuffled(std::size_t rows, std::uint64_t seed, std::uint64_t epoch) {
    nn::Generator generator(detail::mixed_seed({seed, epoch}));
    std::vector<std::size_t> order(rows);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = rows; i > 1; --i) std::swap(order[i - 1], order[generator.below(i)]);
    return order;
}

}  // namespace tapeloop::optim
