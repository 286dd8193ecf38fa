#include <fmt/format.h>
#include <autograd/study/events/summary_writer.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace tapeloop {

namespace {

constexpr std::size_t histogram_ranges = 30;

/// The bytes of an unsigned number, the lowest first.
template <class Unsigned>
void append_bytes(std::string& bytes, Unsigned number) {
    for (std::size_t i = 0; i < sizeof(number); ++i)
        bytes.push_back(static_cast<char>(static_cast<unsigned char>(number >> (8 * i))));
}

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), by tables of a byte.
std::uint32_t crc_of(std::string_view bytes) {
    static const auto table = [] {
        std::array<std::uint32_t, 256> made{};
        for (std::uint32_t i = 0; i < made.size(); ++i) {
            std::uint32_t crc = i;
            for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
            made[i] = crc;
        }
        return made;
    }();
    std::uint32_t crc = ~0U;
    for (const char byte : bytes) crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (crc >> 8U);
    return ~crc;
}

/// A checksum as records have it, since a checksum of bytes that hold one is worth little.
std::uint32_t masked_crc_of(std::string_view bytes) { return std::rotr(crc_of(bytes), 15) + 0xA282EAD8U; }

/// A message of Protocol Buffers.
class Message {
  public:
    Message& number(unsigned field, std::int64_t value) {
        key(field, 0);
        varint(static_cast<std::uint64_t>(value));
        return *this;
    }
    Message& number(unsigned field, double value) {
        key(field, 1);
        append_bytes(bytes_, std::bit_cast<std::uint64_t>(value));
        return *this;
    }
    Message& number(unsigned field, float value) {
        key(field, 5);
        append_bytes(bytes_, std::bit_cast<std::uint32_t>(value));
        return *this;
    }
    Message& text(unsigned field, std::string_view value) {
        key(field, 2);
        varint(value.size());
        bytes_ += value;
        return *this;
    }
    Message& message(unsigned field, const Message& value) { return text(field, value.bytes_); }
    Message& numbers(unsigned field, std::span<const double> values) {
        std::string packed;
        for (const double value : values) append_bytes(packed, std::bit_cast<std::uint64_t>(value));
        return text(field, packed);
    }
    const std::string& bytes() const { return bytes_; }

  private:
    void key(unsigned field, unsigned type) { varint(field << 3U | type); }
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7U) bytes_.push_back(static_cast<char>(value | 0x80U));
        bytes_.push_back(static_cast<char>(value));
    }

    std::string bytes_;
};

/// An event of the present time.
Message event() {
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    return Message().number(1, now.count());
}

std::string event_of(std::int64_t step, const Message& value) {
    return event().number(2, step).message(5, Message().message(1, value)).bytes();
}

template <class T>
Message histogram_of(const Tensor<T>& values) {
    std::vector<double> finite;
    for (const T value : values)
        if (std::isfinite(value)) finite.push_back(static_cast<double>(value));
    if (finite.empty())
        throw std::invalid_argument(fmt::format(
            "SummaryWriter: a histogram needs finite elements, and none of {} is", values.size()));
    const auto [least, greatest] = std::minmax_element(finite.begin(), finite.end());
    const double low = *least;
    const double high = *greatest;
    double sum = 0;
    double squares = 0;
    std::vector<double> counts(low == high ? 1 : histogram_ranges, 0);
    const auto ranges = static_cast<double>(counts.size());
    for (const double value : finite) {
        sum += value;
        squares += value * value;
        // By halves, for the difference may be more than a double holds.
        const double place = low == high ? 0 : (value / 2 - low / 2) / (high / 2 - low / 2) * ranges;
        counts[std::min(static_cast<std::size_t>(place), counts.size() - 1)] += 1;
    }
    std::vector<double> limits;
    for (std::size_t k = 1; k < counts.size(); ++k) {
        const double share = static_cast<double>(k) / ranges;
        limits.push_back(low * (1 - share) + high * share);
    }
    limits.push_back(high);
    return Message()
        .number(1, low)
        .number(2, high)
        .number(3, static_cast<double>(finite.size()))
        .number(4, sum)
        .number(5, squares)
        .numbers(6, limits)
        .numbers(7, counts);
}

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, std::string_view reason) {
    throw std::runtime_error(fmt::format("SummaryWriter: {} {}: {}", path.string(), what, reason));
}

}  // namespace

SummaryWriter::SummaryWriter(const std::filesystem::path& folder) {
    make_file_in(folder);
    // What stays in a buffer would be lost with the program, and come again behind a failure.
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);
    write(event().text(3, "brain.Event:2").bytes());
}

void SummaryWriter::make_file_in(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) fail(folder, "cannot be made", error.message());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    for (std::size_t n = 0; file_ == nullptr; ++n) {
        path_ = folder / fmt::format("events.out.tfevents.{}.{}", seconds, n);
        // x: one that is there already, or that another program makes at this moment, is not opened.
        file_.reset(std::fopen(path_.c_str(), "wbx"));
        if (file_ == nullptr && errno != EEXIST) fail(path_, "cannot be opened", std::strerror(errno));
    }
}

void SummaryWriter::add_scalar(std::string_view tag, double value, std::int64_t step) {
    write(event_of(step, Message().text(1, tag).number(2, static_cast<float>(value))));
}

void SummaryWriter::add_series(std::string_view tag, std::span<const double> values) {
    for (std::size_t step = 0; step < values.size(); ++step)
        add_scalar(tag, values[step], static_cast<std::int64_t>(step));
}

void SummaryWriter::add_histogram(std::string_view tag, const Tensor<float>& values, std::int64_t step) {
    write(event_of(step, Message().text(1, tag).message(5, histogram_of(values))));
}
void SummaryWriter::add_histogram(std::string_view tag, const Tensor<double>& values, std::int64_t step) {
    write(event_of(step, Message().text(1, tag).message(5, histogram_of(values))));
}

void SummaryWriter::write(std::string_view event) {
    std::string record;
    append_bytes(record, static_cast<std::uint64_t>(event.size()));
    append_bytes(record, masked_crc_of(record));
    record += event;
    append_bytes(record, masked_crc_of(event));
    if (std::fwrite(record.data(), 1, record.size(), file_.get()) == record.size()) {
        length_ += record.size();
        return;
    }
    const int reason = errno;
    // Readers give a file up at half an event.
    std::error_code ignored;
    std::filesystem::resize_file(path_, length_, ignored);
    std::clearerr(file_.get());
    std::fseek(file_.get(), static_cast<long>(length_), SEEK_SET);
    fail(path_, "cannot be written", std::strerror(reason));
}

}  // namespace tapeloop
