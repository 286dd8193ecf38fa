#include <fmt/format.h>
#include <mpi.h>
#include <optim/mpi/communicator.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>

namespace tapeloop::optim::detail {

namespace {

constexpr std::size_t largest_block = std::size_t{1} << 30;  // MPI counts in int

void require_success(int code, std::string_view call) {
    if (code == MPI_SUCCESS) return;
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    MPI_Error_string(code, text.data(), &length);
    throw std::runtime_error(fmt::format("Ranks: {}: {}", call, text.data()));
}

std::string text_of(Meeting::Purpose purpose, std::uint64_t first, std::uint64_t second) {
    switch (purpose) {
        case Meeting::Purpose::end:
            return "has ended";
        case Meeting::Purpose::broadcast:
            return fmt::format("broadcasts {} bytes from rank {}", first, second);
        case Meeting::Purpose::start:
            return "begins to train in parallel";
        case Meeting::Purpose::comparison:
            return fmt::format("compares its bits after {} steps", first);
        case Meeting::Purpose::loss:
            return fmt::format("asks for a loss of {} rows after {} steps", second, first);
        case Meeting::Purpose::gradient:
            return fmt::format("asks for a gradient of {} rows after {} steps", second, first);
    }
    return "does something unknown";
}

/// Calls `work` with the pieces of a block that MPI can count.
void for_each_piece(std::span<std::byte> block, const auto& work) {
    for (; !block.empty(); block = block.subspan(std::min(block.size(), largest_block)))
        work(block.first(std::min(block.size(), largest_block)));
}

}  // namespace

struct Communicator::Handle {
    MPI_Comm comm = MPI_COMM_NULL;
    bool is_starter = false;
};

Communicator::Communicator() : handle_(std::make_unique<Handle>()), exceptions_(std::uncaught_exceptions()) {
    int was_ended = 0;
    int was_started = 0;
    MPI_Finalized(&was_ended);
    if (was_ended != 0) throw std::logic_error("Ranks: MPI was ended in this process; it starts only once");
    MPI_Initialized(&was_started);
    handle_->is_starter = was_started == 0;
    if (handle_->is_starter) {
        int level = 0;
        require_success(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread");
    }
    require_success(MPI_Comm_dup(MPI_COMM_WORLD, &handle_->comm), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(handle_->comm, MPI_ERRORS_RETURN);
    int rank = 0;
    int count = 1;
    MPI_Comm_rank(handle_->comm, &rank);
    MPI_Comm_size(handle_->comm, &count);
    rank_ = static_cast<std::size_t>(rank);
    count_ = static_cast<std::size_t>(count);
}

Communicator::~Communicator() {
    if (std::uncaught_exceptions() > exceptions_) return;
    try {
        meet({Meeting::Purpose::end});
    } catch (const std::exception&) {  // the others throw the same, and say so
    }
    MPI_Comm_free(&handle_->comm);
    if (handle_->is_starter) MPI_Finalize();
}

void Communicator::meet(const Meeting& own, std::string_view problem) {
    if (count_ == 1) {
        if (!problem.empty()) throw std::runtime_error(std::string(problem));
        return;
    }
    constexpr std::size_t words = 4;
    const std::array<std::uint64_t, words> said{static_cast<std::uint64_t>(own.purpose), own.first,
                                                own.second, problem.size()};
    const std::vector<std::uint64_t> all = gather(said);
    for (std::size_t rank = 0; rank < count_; ++rank)
        if (all[words * rank + 3] != 0)
            throw std::runtime_error(fmt::format("rank {}: {}", rank, broadcast(std::string(problem), rank)));
    const auto of = [&](std::size_t rank) { return std::span(all).subspan(words * rank, words); };
    for (std::size_t rank = 1; rank < count_; ++rank) {
        if (std::ranges::equal(of(rank), of(0))) continue;
        const auto text = [&](std::size_t one) {
            return text_of(static_cast<Meeting::Purpose>(of(one)[0]), of(one)[1], of(one)[2]);
        };
        throw std::runtime_error(
            fmt::format("Ranks: rank 0 {}, and rank {} {}; all ranks must do the same in the same order",
                        text(0), rank, text(rank)));
    }
}

void Communicator::broadcast(std::span<std::byte> bytes, std::size_t from) {
    for (; count_ > 1 && !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), largest_block)))
        require_success(MPI_Bcast(bytes.data(), static_cast<int>(std::min(bytes.size(), largest_block)),
                                  MPI_BYTE, static_cast<int>(from), handle_->comm),
                        "MPI_Bcast");
}

std::string Communicator::broadcast(std::string text, std::size_t from) {
    std::uint64_t size = text.size();
    broadcast(std::as_writable_bytes(std::span(&size, 1)), from);
    text.resize(size);
    broadcast(std::as_writable_bytes(std::span(text)), from);
    return text;
}

std::vector<std::uint64_t> Communicator::gather(std::span<const std::uint64_t> own,
                                                std::span<const std::size_t> sizes) {
    std::vector<int> counts;
    std::vector<int> places;
    std::size_t sum = 0;
    for (const std::size_t size : sizes) {
        places.push_back(static_cast<int>(sum));
        counts.push_back(static_cast<int>(size));
        sum += size;
    }
    std::vector<std::uint64_t> all(sum);
    require_success(MPI_Allgatherv(own.data(), static_cast<int>(own.size()), MPI_UINT64_T, all.data(),
                                   counts.data(), places.data(), MPI_UINT64_T, handle_->comm),
                    "MPI_Allgatherv");
    return all;
}

std::vector<std::uint64_t> Communicator::gather(std::span<const std::uint64_t> own) {
    std::vector<std::uint64_t> all(own.size() * count_);
    const int size = static_cast<int>(own.size());
    require_success(
        MPI_Allgather(own.data(), size, MPI_UINT64_T, all.data(), size, MPI_UINT64_T, handle_->comm),
        "MPI_Allgather");
    return all;
}

struct Messages::Requests {
    std::vector<MPI_Request> list;
};

Messages::Messages(Communicator& communicator)
    : communicator_(communicator), requests_(std::make_unique<Requests>()) {}
Messages::~Messages() = default;
Messages::Messages(Messages&&) noexcept = default;

void Messages::send(std::span<std::byte> bytes, std::size_t to, int tag) {
    for_each_piece(bytes, [&](std::span<std::byte> piece) {
        require_success(
            MPI_Isend(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, static_cast<int>(to), tag,
                      communicator_.handle_->comm, &requests_->list.emplace_back()),
            "MPI_Isend");
        ++sent_.messages;
        sent_.bytes += piece.size();
    });
}

void Messages::receive(std::span<std::byte> bytes, std::size_t from, int tag) {
    for_each_piece(bytes, [&](std::span<std::byte> piece) {
        require_success(
            MPI_Irecv(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, static_cast<int>(from), tag,
                      communicator_.handle_->comm, &requests_->list.emplace_back()),
            "MPI_Irecv");
    });
}

bool Messages::have_arrived() {
    int are_done = 1;
    require_success(MPI_Testall(static_cast<int>(requests_->list.size()), requests_->list.data(), &are_done,
                                MPI_STATUSES_IGNORE),
                    "MPI_Testall");
    return are_done != 0;
}

void Messages::wait() {
    require_success(
        MPI_Waitall(static_cast<int>(requests_->list.size()), requests_->list.data(), MPI_STATUSES_IGNORE),
        "MPI_Waitall");
}

}  // namespace tapeloop::optim::detail
