#include <tests/expect.hpp>
#include <tests/nn/files/file_bytes.hpp>

#include <autograd/autograd.hpp>
#include <autograd/study/events/summary_writer.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <bit>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <thread>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// CRC-32C bit by bit, and masked as records have it.
std::uint32_t plain_crc(std::string_view bytes) {
    std::uint32_t crc = ~0U;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ 0x82F63B78U : crc >> 1U;
    }
    return ~crc;
}
std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xA282EAD8U; }

template <class Number>
Number number_at(std::string_view bytes, std::size_t at = 0) {
    Number number;
    REQUIRE(at + sizeof(number) <= bytes.size());
    std::memcpy(&number, bytes.data() + at, sizeof(number));
    return number;
}

/// The events of a file, whose checksums are right.
std::vector<std::string> events_in(const std::filesystem::path& path) {
    const std::string bytes = bytes_in(path);
    std::vector<std::string> events;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto length = number_at<std::uint64_t>(bytes, at);
        CHECK(number_at<std::uint32_t>(bytes, at + 8) == masked(plain_crc(bytes.substr(at, 8))));
        events.push_back(bytes.substr(at + 12, length));
        CHECK(number_at<std::uint32_t>(bytes, at + 12 + length) == masked(plain_crc(events.back())));
        at += 12 + length + 4;
    }
    return events;
}

std::uint64_t varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        REQUIRE(!bytes.empty());
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
        if (byte < 0x80) return value;
    }
}

/// The fields of a message by number: the bytes of each, of a varint eight.
std::map<std::uint64_t, std::string> fields_of(std::string_view bytes) {
    std::map<std::uint64_t, std::string> fields;
    while (!bytes.empty()) {
        const std::uint64_t key = varint(bytes);
        std::uint64_t size = (key & 7U) == 1 ? 8 : 4;
        if ((key & 7U) == 0) {
            const std::uint64_t value = varint(bytes);
            fields[key >> 3U] = std::string(reinterpret_cast<const char*>(&value), sizeof(value));
            continue;
        }
        if ((key & 7U) == 2) size = varint(bytes);
        REQUIRE(size <= bytes.size());
        fields[key >> 3U] = bytes.substr(0, size);
        bytes.remove_prefix(size);
    }
    return fields;
}

std::vector<double> doubles_in(const std::string& bytes) {
    std::vector<double> numbers(bytes.size() / sizeof(double));
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
}

/// The value that an event has, by its fields.
std::map<std::uint64_t, std::string> value_of(const std::string& event) {
    return fields_of(fields_of(fields_of(event)[5])[1]);
}

}  // namespace

TEST_CASE("SummaryWriter: a file begins as TensorFlow's do") {
    CHECK(plain_crc("123456789") == 0xE3069283U);  // the check value of CRC-32C
    const Folder folder;
    const SummaryWriter log(folder / "runs/first");
    CHECK(log.path().filename().string().starts_with("events.out.tfevents."));
    const std::string bytes = bytes_in(log.path());
    // The length, 24, its checksum, and the key of the time.
    CHECK(bytes.substr(0, 13) == std::string("\x18\0\0\0\0\0\0\0\xa3\x7fK\"\t", 13));
    const std::vector<std::string> events = events_in(log.path());
    REQUIRE(events.size() == 1);
    CHECK(fields_of(events[0])[3] == "brain.Event:2");
    CHECK(number_at<double>(fields_of(events[0])[1]) > 1.7e9);
    // A second one is another file.
    CHECK(SummaryWriter(folder / "runs/first").path() != log.path());
}

TEST_CASE("SummaryWriter: scalars and series") {
    const Folder folder;
    SummaryWriter log(folder / "runs");
    log.add_scalar("loss", 0.625, 300);
    log.add_scalar("net/ü", std::nan(""), 1);
    log.add_series("norm of W", std::vector<double>{4, 0.5});
    const std::vector<std::string> events = events_in(log.path());  // while it is open
    REQUIRE(events.size() == 5);
    CHECK(number_at<std::int64_t>(fields_of(events[1])[2]) == 300);
    CHECK(value_of(events[1])[1] == "loss");
    CHECK(number_at<float>(value_of(events[1])[2]) == 0.625F);
    CHECK(value_of(events[2])[1] == "net/ü");
    CHECK(std::isnan(number_at<float>(value_of(events[2])[2])));
    CHECK(number_at<std::int64_t>(fields_of(events[3])[2]) == 0);
    CHECK(number_at<std::int64_t>(fields_of(events[4])[2]) == 1);
    CHECK(number_at<float>(value_of(events[4])[2]) == 0.5F);
}

TEST_CASE_TEMPLATE("SummaryWriter: a histogram has every finite element once", T, float, double) {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const Folder folder;
    SummaryWriter log(folder / "runs");
    log.add_histogram("dJ/dW", Tensor<T>{-1, 2, 0, 0.5, infinity, T(NAN), 2}, 7);
    log.add_histogram("one", Tensor<T>{3, 3}, 7);
    constexpr T most = std::numeric_limits<T>::max();
    log.add_histogram("far", Tensor<T>{-most, most}, 7);
    const std::vector<std::string> events = events_in(log.path());
    REQUIRE(events.size() == 4);
    auto value = value_of(events[1]);
    CHECK(value[1] == "dJ/dW");
    auto histogram = fields_of(value[5]);
    const auto number = [&](std::uint64_t field) { return number_at<double>(histogram[field]); };
    CHECK(number(1) == -1);
    CHECK(number(2) == 2);
    CHECK(number(3) == 5);
    CHECK(number(4) == 3.5);
    CHECK(number(5) == 9.25);
    const std::vector<double> limits = doubles_in(histogram[6]);
    const std::vector<double> counts = doubles_in(histogram[7]);
    REQUIRE(limits.size() == 30);
    REQUIRE(counts.size() == 30);
    CHECK(limits.back() == 2);
    CHECK(std::accumulate(counts.begin(), counts.end(), 0.0) == 5);
    CHECK(std::is_sorted(limits.begin(), limits.end()));
    CHECK(std::abs(limits[9]) < 1e-15);
    CHECK(counts[0] == 1);
    CHECK(counts[10] == 1);  // 0, at the end of a range
    CHECK(counts[15] == 1);
    CHECK(counts[29] == 2);
    histogram = fields_of(value_of(events[2])[5]);
    CHECK(doubles_in(histogram[6]) == std::vector<double>{3});
    CHECK(doubles_in(histogram[7]) == std::vector<double>{2});
    histogram = fields_of(value_of(events[3])[5]);
    CHECK(doubles_in(histogram[7]).front() == 1);
    CHECK(doubles_in(histogram[7]).back() == 1);
    for (const double limit : doubles_in(histogram[6])) CHECK(std::isfinite(limit));
}

TEST_CASE("SummaryWriter: what cannot be written is said") {
    const Folder folder;
    SummaryWriter log(folder / "runs");
    CHECK(text_of<std::invalid_argument>([&] {
              log.add_histogram("nothing", Tensor<double>{std::nan("")}, 1);
          }) == "SummaryWriter: a histogram needs finite elements, and none of 1 is");
    CHECK(events_in(log.path()).size() == 1);
    const std::string text = text_of<std::runtime_error>([&] { SummaryWriter(log.path() / "below"); });
    CHECK(contains(text, "SummaryWriter: "));
    CHECK(contains(text, "cannot be made"));
    CHECK(contains(text_of<std::runtime_error>([] { SummaryWriter("/proc"); }), "cannot be opened"));
}

TEST_CASE("SummaryWriter: writers that open one folder at the same moment have files of their own") {
    const Folder folder;
    constexpr std::size_t writers = 8;
    constexpr std::size_t turns = 40;
    std::vector<std::vector<std::filesystem::path>> paths(writers);
    std::barrier together(static_cast<std::ptrdiff_t>(writers));
    std::vector<std::thread> threads;
    for (std::size_t k = 0; k < writers; ++k)
        threads.emplace_back([&, k] {
            for (std::size_t turn = 0; turn < turns; ++turn) {
                together.arrive_and_wait();
                SummaryWriter log(folder / "runs");
                log.add_scalar("k", static_cast<double>(k), 1);
                paths[k].push_back(log.path());
            }
        });
    for (std::thread& thread : threads) thread.join();
    std::set<std::filesystem::path> all;
    for (std::size_t k = 0; k < writers; ++k)
        for (const std::filesystem::path& path : paths[k]) {
            all.insert(path);
            const std::vector<std::string> events = events_in(path);
            REQUIRE(events.size() == 2);
            CHECK(number_at<float>(value_of(events[1])[2]) == static_cast<float>(k));
        }
    CHECK(all.size() == writers * turns);
}

TEST_CASE("SummaryWriter: a full disk is said, and the file stays readable") {
    const Folder folder;
    SummaryWriter log(folder / "runs");
    log.add_scalar("loss", 1, 1);
    // /dev/full in the place of the file.
    int own = -1;
    for (int candidate = 0; candidate < 1024 && own < 0; ++candidate) {
        std::error_code error;
        const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(candidate), error);
        if (!error && link == std::filesystem::canonical(log.path())) own = candidate;
    }
    REQUIRE(own >= 0);
    const int kept = dup(own);
    const int full = open("/dev/full", O_WRONLY);
    REQUIRE(full >= 0);
    REQUIRE(dup2(full, own) == own);
    const std::string text = text_of<std::runtime_error>([&] { log.add_scalar("loss", 2, 2); });
    dup2(kept, own);
    close(kept);
    close(full);
    CHECK(text == "SummaryWriter: " + log.path().string() + " cannot be written: No space left on device");
    log.add_scalar("loss", 3, 3);
    const std::vector<std::string> events = events_in(log.path());
    REQUIRE(events.size() == 3);
    CHECK(number_at<float>(value_of(events[2])[2]) == 3);
}

TEST_CASE("SummaryWriter: of an event that fits in part nothing stays") {
    const Folder folder;
    SummaryWriter log(folder / "runs");
    log.add_scalar("loss", 1, 1);
    rlimit usual{};
    getrlimit(RLIMIT_FSIZE, &usual);
    const auto signalled = std::signal(SIGXFSZ, SIG_IGN);
    rlimit tight = usual;
    tight.rlim_cur = std::filesystem::file_size(log.path()) + 10;
    setrlimit(RLIMIT_FSIZE, &tight);
    const std::string text = text_of<std::runtime_error>([&] { log.add_scalar("loss", 2, 2); });
    setrlimit(RLIMIT_FSIZE, &usual);
    std::signal(SIGXFSZ, signalled);
    CHECK(contains(text, "cannot be written: File too large"));
    CHECK(events_in(log.path()).size() == 2);
    log.add_scalar("loss", 3, 3);
    CHECK(events_in(log.path()).size() == 3);
}
