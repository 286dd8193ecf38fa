#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop::optim::detail {

/// What a rank is about to do together with the others.
struct Meeting {
    enum class Purpose : std::uint64_t { end, broadcast, start, comparison, loss, gradient };
    Purpose purpose;
    std::uint64_t first = 0;   ///< of a broadcast its bytes, of a loss or a gradient the step
    std::uint64_t second = 0;  ///< of a broadcast the rank it comes from, of a loss or a gradient the rows
};

/// Memory to be sent or received, a message for each block, from where it lies: of one that has no gaps a
/// single copy is made between two processes of a machine.
using Blocks = std::vector<std::span<std::byte>>;

/// What a rank has sent.
struct Sent {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

/// This process among those of an MPI run; the only one who knows MPI. What MPI reports as an error is thrown
/// as `std::runtime_error`.
class Communicator {
  public:
    Communicator();
    /// Ends MPI together with the others. Where an exception leaves the scope it does not, for they may wait
    /// elsewhere: the process ends without, and who started the ranks ends them all.
    ~Communicator();
    Communicator(const Communicator&) = delete;
    Communicator& operator=(const Communicator&) = delete;

    std::size_t rank() const { return rank_; }
    std::size_t count() const { return count_; }

    /// Waits for the others. Throws `std::runtime_error` on every rank when one has a problem, with its text,
    /// and when they are about to do different things.
    void meet(const Meeting& own, std::string_view problem = {});
    /// Gives every rank what rank `from` has. As those below, without a meeting.
    void broadcast(std::span<std::byte> bytes, std::size_t from);
    std::string broadcast(std::string text, std::size_t from);
    /// Returns the words of all ranks behind one another; `sizes` tells how many each has.
    std::vector<std::uint64_t> gather(std::span<const std::uint64_t> own, std::span<const std::size_t> sizes);
    /// Returns the words of all ranks, where each has as many.
    std::vector<std::uint64_t> gather(std::span<const std::uint64_t> own);
    /// Sends each rank its blocks, and receives from each into others, as many and as large as it sends;
    /// those of this rank are not looked at.
    Sent exchange(const std::vector<Blocks>& sent, const std::vector<Blocks>& received);

  private:
    struct Handle;

    std::unique_ptr<Handle> handle_;
    std::size_t rank_ = 0;
    std::size_t count_ = 1;
    int exceptions_;  // under way when it was made
};

}  // namespace tapeloop::optim::detail
