#include <nn/files/onnx/onnx.hpp>
#include <nn/generator.hpp>

#include <cstdlib>

// An outside project that exports a model; it has no ONNX in its paths.
int main() {
    tapeloop::nn::Generator generator(1);
    tapeloop::nn::LstmCell<float> cell(3, 4, generator);
    const std::filesystem::path file = std::filesystem::temp_directory_path() / "tapeloop_outside.onnx";
    tapeloop::nn::save_onnx(file, cell);
    const bool written = std::filesystem::file_size(file) > 500;
    std::filesystem::remove(file);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
