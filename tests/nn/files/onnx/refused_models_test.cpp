#include <tests/expect.hpp>
#include <tests/nn/files/file_bytes.hpp>

#include <autograd/autograd.hpp>
#include <nn/files/onnx/onnx.hpp>
#include <nn/generator.hpp>
#include <nn/nn.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

std::string refusal(const std::function<void()>& f) { return text_of<std::invalid_argument>(f); }

/// What is said of a function of [T, B, 4].
template <class F>
std::string refused(const F& function) {
    const Folder folder;
    const std::string text = refusal([&] {
        nn::OnnxModel<float> model({.input = {4}});
        model.add(function);
        model.save(folder / "model.onnx");
    });
    if (!text.empty()) CHECK(std::filesystem::is_empty(folder / "."));
    return text;
}

/// A cell whose step is `F`.
template <class F>
struct StepCell {
    F f;
    Var<float> initial_state(std::size_t batch) const { return input(nn::zeros<float>({batch, 4})); }
    std::pair<Var<float>, Var<float>> step(const Var<float>& x, const Var<float>& h) const {
        const Var<float> next = f(x, h);
        return {next, next};
    }
};
template <class F>
StepCell(F) -> StepCell<F>;

}  // namespace

TEST_CASE("onnx: an operation without a counterpart is refused by name, with the line that uses it") {
    const auto cube = custom(
        "cube", [](const auto& x) { return x * x * x; },
        [](const auto& g, const auto&, const auto& x) { return 3 * g * x * x; });
    CHECK(contains(refused([&](const Var<float>& x) { return cube(x); }),
                   "save_onnx: cube (refused_models_test.cpp:"));
    const StepCell cell{[&](const Var<float>& x, const Var<float>& h) { return tanh(cube(x) + h); }};
    const Folder folder;
    const std::string text = refusal([&] { nn::save_onnx(folder / "model.onnx", cell, {.input = {4}}); });
    CHECK(contains(text, "save_onnx: cube (refused_models_test.cpp:"));
    CHECK(contains(text, "step) has no counterpart in ONNX"));
}

TEST_CASE("onnx: a counterpart that ONNX does not have is refused by name") {
    const auto cube = custom(
        "cube", [](const auto& x) { return x * x * x; },
        [](const auto& g, const auto&, const auto& x) { return 3 * g * x * x; });
    CHECK(refused([&](const Var<float>& x) {
              return cube.onnx([](const OnnxValue& v) { return onnx_node("Pow", {v, 3.0}); })(x);
          }) == "");
    const std::string unknown = refused([&](const Var<float>& x) { return cube.onnx("Cube")(x); });
    CHECK(contains(unknown, "save_onnx: "));
    CHECK(contains(unknown, "Cube"));
    const std::string inputs = refused([&](const Var<float>& x) {
        return cube.onnx([](const OnnxValue& v) { return onnx_node("Pow", {v}); })(x);
    });
    CHECK(contains(inputs, "save_onnx: "));
    CHECK(contains(inputs, "Pow"));
    CHECK(contains(refused([&](const Var<float>& x) {
                       return cube.onnx([](const OnnxValue&) { return OnnxValue(); })(x);
                   }),
                   "save_onnx: cube (refused_models_test.cpp:"));
}

TEST_CASE("onnx: what does not come from recorded operations is refused") {
    // The number that happened to be there would be a constant of the model.
    CHECK(contains(refused([](const Var<float>& x) { return x - x.value()(0, 0, 0); }),
                   "is not the same for all inputs that it was recorded with"));
    CHECK(contains(refused([](const Var<float>& x) {
                       const Paused<float> paused;
                       return tanh(x);
                   }),
                   "is as long as the sequence, and its parts differ"));
    // A constant of as many rows as there are, and rows that differ.
    CHECK(contains(refused([](const Var<float>& x) {
                       Tensor<float> rows = nn::zeros<float>({x.shape()[1], 1});
                       rows(1, 0) = 1;
                       return x + rows;
                   }),
                   "is as long as the sequence, and its parts differ"));
}

TEST_CASE("onnx: what depends on the extents of the sequence is a multiple of them") {
    CHECK(refused([](const Var<float>& x) {
              const std::size_t T = x.shape()[0];
              const std::size_t B = x.shape()[1];
              return reshape(reshape(x, {T * B, 4}) + nn::ones<float>({T * B, 1}), {T, B, 4});
          }) == "");
    CHECK(contains(refused([](const Var<float>& x) {
                       const auto T = static_cast<std::ptrdiff_t>(x.shape()[0]);
                       return slice(x, 0, 0, T - 1);
                   }),
                   "which is no multiple of their time steps or rows"));
    CHECK(contains(refused([](const Var<float>& x) { return x.shape()[1] > 12 ? tanh(x) : sin(x); }),
                   "depends on the number of time steps or rows"));
}

TEST_CASE("onnx: models that cannot be") {
    nn::Generator generator(1);
    const Folder folder;
    const auto file = folder / "model.onnx";
    CHECK(
        contains(refusal([&] { nn::OnnxModel<float>().save(file); }), "save_onnx: the model has no layers"));
    CHECK(contains(refusal([&] { nn::OnnxModel<float>().add([](const Var<float>& x) { return tanh(x); }); }),
                   "say the shape of one time step, {.input = {I}}"));
    nn::LstmCell<float> cell(4, 3, generator);
    CHECK(contains(refusal([&] { nn::save_onnx(file, cell, {.input = {5}}); }),
                   "save_onnx: a cell reads [5, 11, 5], and its U has 4 rows"));
    nn::Embedding<float> embedding(7, 4, generator);
    nn::OnnxModel<float> late;
    late.add(cell);
    CHECK(contains(refusal([&] { late.add(embedding); }), "can only be the first layer"));
    // Of no type that is known, within an AnyLayer: its own unroll cannot be looked into.
    nn::Stack<float> stack(
        nn::Bidirectional(nn::LstmCell<float>(4, 4, generator), nn::ElmanCell<float>(4, 4, generator)));
    CHECK(contains(refusal([&] { nn::save_onnx(file, stack, {.input = {4}}); }),
                   "save_onnx: layer0 reads whole sequences"));
    // A source that only its user has, in a layer of no type that is known.
    nn::Stack<float> attending(nn::AttentionCell(nn::ElmanCell<float>(7, 4, generator),
                                                 nn::AdditiveAttention<float>(4, 3, 5, generator), 3));
    CHECK(contains(refusal([&] { nn::save_onnx(file, attending, {.input = {4}}); }),
                   "a state that only its user can give is not exported. An AttentionCell is"));
    CHECK(std::filesystem::is_empty(folder / "."));
}

TEST_CASE("onnx: the same model gives the same bytes, double as float") {
    nn::Generator one(1);
    nn::Generator other(1);
    nn::Stack<float> floats(nn::LstmCell<float>(4, 3, one), nn::MinimalGruCell<float>(3, 2, one));
    nn::Stack<double> doubles(nn::LstmCell<double>(4, 3, other), nn::MinimalGruCell<double>(3, 2, other));
    const Folder folder;
    nn::save_onnx(folder / "floats.onnx", floats);
    nn::save_onnx(folder / "again.onnx", floats);
    nn::save_onnx(folder / "doubles.onnx", doubles);
    CHECK(bytes_in(folder / "floats.onnx") == bytes_in(folder / "again.onnx"));
    CHECK(bytes_in(folder / "floats.onnx").size() == bytes_in(folder / "doubles.onnx").size());
}
