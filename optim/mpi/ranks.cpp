#include <fmt/format.h>
#include <optim/mpi/fingerprint.hpp>
#include <optim/mpi/ranks.hpp>

#include <array>
#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

Ranks::Ranks() {
    if (count() == 1) return;
    const std::array<std::uint64_t, 1> own{fingerprint_of_program()};
    const std::vector<std::uint64_t> all = communicator_.gather(own);
    for (std::size_t rank = 1; rank < count(); ++rank)
        if (all[rank] != all[0])
            throw std::runtime_error(
                fmt::format("Ranks: rank {} runs another program than rank 0, and other builds may give "
                            "other bits; start the same file on every machine (built with TAPELOOP_ARCH for "
                            "the oldest of their processors)",
                            rank));
}

}  // namespace tapeloop::optim
