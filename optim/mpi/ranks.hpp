#pragma once

#include <optim/mpi/communicator.hpp>

#include <type_traits>

namespace tapeloop::optim {

/// The processes of an MPI run, the ranks, of which this is one: 0, ..., count - 1. Made first in `main`, it
/// starts MPI, and ends it when it goes. Started without `mpirun` a program is the only rank.
///
/// An exception that leaves the scope of the ranks ends them all, once `main` has said what it was: the
/// process ends without having ended MPI, which whoever started the ranks takes as a failure. So does one
/// that is killed.
class Ranks {
  public:
    /// Throws `std::runtime_error` when the ranks run different programs: other builds may give other bits.
    Ranks();

    /// Returns the place of this process among the ranks.
    std::size_t rank() const { return communicator_.rank(); }
    /// Returns how many there are.
    std::size_t count() const { return communicator_.count(); }
    /// Returns whether this is the rank that prints and writes files.
    bool is_first() const { return rank() == 0; }

    /// Gives all ranks what rank `from` has, for what only one can know: the clock, a file, a key that was
    /// pressed. As everything that ranks do together it throws `std::runtime_error`, on all of them, when
    /// another one does something else.
    template <class X>
    requires std::is_trivially_copyable_v<X>
    void broadcast(std::span<X> values, std::size_t from = 0) {
        const std::span<std::byte> bytes = std::as_writable_bytes(values);
        communicator_.meet({detail::Meeting::Purpose::broadcast, bytes.size(), from});
        communicator_.broadcast(bytes, from);
    }
    template <class X>
    requires std::is_arithmetic_v<X> X broadcast(X value, std::size_t from = 0) {
        broadcast(std::span(&value, 1), from);
        return value;
    }

    /// Returns the connection to the others.
    detail::Communicator& communicator() { return communicator_; }

  private:
    detail::Communicator communicator_;
};

}  // namespace tapeloop::optim
