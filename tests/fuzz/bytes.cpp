#include <tests/fuzz/bytes.hpp>

namespace tapeloop::fuzz {

Bytes::Bytes(std::uint64_t seed) {
    test::Random random(seed);
    bytes_.resize(30 + random.below(350));
    for (std::uint8_t& byte : bytes_) byte = static_cast<std::uint8_t>(random.below(256));
}

int Bytes::between(int low, int high) {
    return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1)));
}

}  // namespace tapeloop::fuzz
