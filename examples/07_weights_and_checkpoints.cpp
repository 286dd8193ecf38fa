// What was learned goes into a file, under our names or PyTorch's, and a training that was stopped goes on.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/files/files.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <filesystem>

using namespace tapeloop;

struct Model {
    nn::LstmCell<float> cell;
    nn::Linear<float> head;

    explicit Model(nn::Generator& generator) : cell(3, 8, generator), head(8, 1, generator) {}
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("cell", cell.parameters());
        list.add("head", head.parameters());
        return list;
    }
    Var<float> operator()(const Var<float>& x) const { return head(nn::unroll(cell, x).outputs); }
};

/// Trains up to `last` steps; goes on from the file when there is one. Returns the last loss.
float train(std::size_t last, const std::filesystem::path& file) {
    nn::Generator generator(1);
    Model model(generator);
    optim::Adam<float> adam(model.parameters(), {.learning_rate = 0.01});
    std::size_t step = 0;

    nn::Checkpoint<float> checkpoint;
    checkpoint.add("model", model.parameters());
    checkpoint.add("adam", adam);
    checkpoint.add("generator", generator);
    checkpoint.add("step", step);
    if (std::filesystem::exists(file)) checkpoint.load(file);

    float loss = 0;
    for (; step < last; ++step) {
        Tensor<float> x = xt::zeros<float>({6, 4, 3});
        for (float& element : x) element = static_cast<float>(generator.normal());
        const Tensor<float> sums = xt::cumsum(xt::sum(x, {2}, xt::keep_dims), 0);
        Tape<float> tape;
        const Var<float> J = nn::mean_squared_error(model(input(x)), sums);
        adam.step(gradient(J, model.parameters()));
        loss = J.item();
    }
    checkpoint.save(file);
    return loss;
}

int main() {
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / "tapeloop_example";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);

    const float at_once = train(60, folder / "at_once.safetensors");
    train(25, folder / "stopped.safetensors");
    const float resumed = train(60, folder / "stopped.safetensors");
    fmt::print("loss of step 60: {} at once, {} stopped after 25 and resumed\n", at_once, resumed);

    nn::Generator generator(2);
    Model model(generator), other(generator);
    nn::Naming<float> torch, others;
    torch.add("lstm", nn::pytorch(model.cell)).add("fc", nn::pytorch(model.head));
    others.add("lstm", nn::pytorch(other.cell)).add("fc", nn::pytorch(other.head));
    nn::save(folder / "model.safetensors", torch);
    nn::load(folder / "model.safetensors", others);
    for (const auto& [name, array] : nn::read_safetensors(folder / "model.safetensors").arrays)
        fmt::print("{}: {}\n", name,
                   std::visit([](const auto& a) { return Shape::of(a.shape()).text(); }, array));
    fmt::print("read back the same: {}\n", model.cell.W.value() == other.cell.W.value());

    std::filesystem::remove_all(folder);
    return at_once == resumed ? 0 : 1;
}
