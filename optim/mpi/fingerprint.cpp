#include <optim/mpi/fingerprint.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <vector>

namespace tapeloop::optim::detail {

void Fingerprint::add(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        std::uint64_t word = 0;
        const std::size_t size = std::min(bytes.size(), sizeof(word));
        std::memcpy(&word, bytes.data(), size);
        add(word);
        bytes = bytes.subspan(size);
    }
}

std::uint64_t fingerprint_of_program() {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    if (!file) return 0;
    Fingerprint fingerprint;
    std::vector<char> block(1 << 20);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0)
        fingerprint.add(std::as_bytes(std::span(block.data(), static_cast<std::size_t>(file.gcount()))));
    return fingerprint.value();
}

std::uint64_t mixed_seed(std::initializer_list<std::uint64_t> numbers) {
    Fingerprint mixed;
    for (const std::uint64_t number : numbers) mixed.add(number);
    return mixed.value();
}

}  // namespace tapeloop::optim::detail
