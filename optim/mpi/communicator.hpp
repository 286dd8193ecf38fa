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

  private:
    friend class Messages;
    struct Handle;

    std::unique_ptr<Handle> handle_;
    std::size_t rank_ = 0;
    std::size_t count_ = 1;
    int exceptions_;  // under way when it was made
};

/// Messages that travel while this rank does something else, from where they lie to where they are wanted:
/// between two processes of a machine, of memory without gaps, a single copy is made. All of that memory has
/// to stay, and what is sent unchanged, until they have arrived.
class Messages {
  public:
    explicit Messages(Communicator& communicator);
    ~Messages();
    Messages(Messages&&) noexcept;
    Messages& operator=(Messages&&) = delete;

    /// Those from one rank to another with one tag arrive in the order in which they are received.
    void send(std::span<std::byte> bytes, std::size_t to, int tag);
    void receive(std::span<std::byte> bytes, std::size_t from, int tag);
    /// Returns whether all were sent and received, and sees to it that they go on.
    bool have_arrived();
    /// Returns when all were sent and received.
    void wait();
    /// Returns what was sent so far.
    const Sent& sent() const { return sent_; }

  private:
    struct Requests;

    Communicator& communicator_;
    std::unique_ptr<Requests> requests_;
    Sent sent_;
};

}  // namespace tapeloop::optim::detail
