// Saving parameters of 100 MB against `cp` of such a file with fsync, and loading them against reading the
// file.
//     save_and_load [FOLDER]
// The folder lies on the disk that is to be measured; without it, the present one.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nn/files/safetensors.hpp>
#include <nn/files/weights/weights.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace {

using namespace tapeloop;
using Path = std::filesystem::path;

constexpr std::size_t parameter_count = 25;
constexpr std::size_t rows = 1000;
constexpr std::size_t columns = 1000;
constexpr int rounds = 15;

template <class F>
double milliseconds(const F& f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

int opened(const Path& file, int flags) {
    const int descriptor = open(file.c_str(), flags | O_CLOEXEC);
    if (descriptor < 0) throw std::runtime_error(fmt::format("{} cannot be opened", file.string()));
    return descriptor;
}

/// What `cp from to && sync to` does.
void copy_and_sync(const Path& from, const Path& to) {
    // Not fork, after which this process would copy its pages when it next writes them, in the loads that are
    // measured.
    std::string program = "cp";
    std::string source = from.string();
    std::string target = to.string();
    std::array<char*, 4> arguments{program.data(), source.data(), target.data(), nullptr};
    pid_t child = 0;
    int status = 0;
    if (posix_spawnp(&child, "cp", nullptr, nullptr, arguments.data(), environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0)
        throw std::runtime_error("cp has failed");
    const int file = opened(to, O_RDONLY);
    if (fsync(file) != 0) throw std::runtime_error("fsync has failed");
    close(file);
}

/// The bytes of a file, into new memory.
void read_all(const Path& path) {
    const auto bytes = std::filesystem::file_size(path);
    const std::unique_ptr<std::byte[]> memory(new std::byte[bytes]);
    const int file = opened(path, O_RDONLY);
    for (std::size_t at = 0; at < bytes;) {
        const ssize_t got = read(file, memory.get() + at, bytes - at);
        if (got <= 0) throw std::runtime_error("read has failed");
        at += static_cast<std::size_t>(got);
    }
    close(file);
}

void compare(const char* ours, const char* theirs, const std::vector<double>& own,
             const std::vector<double>& peer, double asked) {
    fmt::print("{:<26} {:8.1f} ms    {:<26} {:8.1f} ms    ratio {:.2f}, asked at most {}\n", ours,
               median(own), theirs, median(peer), median(own) / median(peer), asked);
}

}  // namespace

int main(int argc, char** argv) {
    const Path folder = argc > 1 ? argv[1] : ".";
    const Path saved = folder / "save_and_load.safetensors";
    const Path copied = folder / "save_and_load.copy";
    nn::Generator generator(14);
    std::vector<Parameter<float>> parameters;
    for (std::size_t k = 0; k < parameter_count; ++k)
        parameters.emplace_back(fmt::format("W{}", k), nn::uniform<float>({rows, columns}, -1, 1, generator));
    ParameterList<float> list;
    for (Parameter<float>& parameter : parameters) list.add(parameter);
    nn::save(saved, list);
    copy_and_sync(saved, copied);

    // In turns, so that a change of the disk's speed hits both alike.
    std::vector<double> saving;
    std::vector<double> copying;
    std::vector<double> loading;
    std::vector<double> reading;
    for (int round = 0; round < rounds; ++round) {
        saving.push_back(milliseconds([&] { nn::save(saved, list); }));
        copying.push_back(milliseconds([&] { copy_and_sync(saved, copied); }));
        loading.push_back(milliseconds([&] { nn::load(saved, list); }));
        reading.push_back(milliseconds([&] { read_all(saved); }));
    }
    const auto megabytes = static_cast<double>(std::filesystem::file_size(saved)) / 1e6;
    fmt::print("{:.0f} MB in {} parameters, medians of {} rounds\n", megabytes, parameter_count, rounds);
    compare("save", "cp and fsync", saving, copying, 1.5);
    compare("load", "read into new memory", loading, reading, 1.2);
    std::filesystem::remove(saved);
    std::filesystem::remove(copied);
    return 0;
}
