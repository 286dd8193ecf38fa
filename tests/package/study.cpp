#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/study.hpp>

#include <cstdlib>

// An outside project that looks at a graph; it has no JSON library in its paths.
int main() {
    const tapeloop::Tensor<float> values{1, 2};
    tapeloop::Tape<float> tape;
    const auto J = sum(tanh(tapeloop::input(values)));
    const std::filesystem::path page = std::filesystem::temp_directory_path() / "tapeloop_outside_study.html";
    tapeloop::write_study(tape, gradient(J, every_node(tape)), page);
    const bool written = std::filesystem::file_size(page) > 100'000;
    std::filesystem::remove(page);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
