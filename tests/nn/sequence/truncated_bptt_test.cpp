#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <nn/files/checkpoint/checkpoint.hpp>
#include <nn/nn.hpp>
#include <optim/adam.hpp>

#include <filesystem>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t k1 = 4;
constexpr std::size_t B = 3;
constexpr std::size_t I = 2;
constexpr std::size_t H = 5;

Var<double> square_loss(const Var<double>& outputs) { return mean(square(outputs - 0.3)); }

template <class C>
C made_cell() {
    nn::Generator generator(4);
    return C(I, H, generator);
}

std::vector<Tensor<double>> windows(std::size_t count) {
    Random random("windows");
    std::vector<Tensor<double>> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(random.tensor({k1, B, I}));
    return all;
}

/// [windows k1, B, I] as one sequence.
Tensor<double> whole(const std::vector<Tensor<double>>& parts) {
    Tensor<double> all = filled({parts.size() * k1, B, I}, 0);
    double* to = all.data();
    for (const Tensor<double>& part : parts) to = std::copy(part.begin(), part.end(), to);
    return all;
}

void check_same(const Gradients<double>& a, const Gradients<double>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) check_same_bits(a.at(i), b.at(i));
}

void check_near(const Gradients<double>& a, const Gradients<double>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) check_close(a.at(i), b.at(i), 1e-12);
}

}  // namespace

TEST_CASE("truncated BPTT: the bits of the loop by hand, with an optimizer between the windows") {
    auto by_hand = made_cell<nn::LstmCell<double>>();
    auto streamed = made_cell<nn::LstmCell<double>>();
    optim::Adam<double> adam_by_hand(by_hand.parameters(), {.learning_rate = 0.1});
    optim::Adam<double> adam(streamed.parameters(), {.learning_rate = 0.1});
    nn::TruncatedBptt stream(streamed, {k1, B, I});
    std::optional<nn::Carried<nn::StateOf<nn::LstmCell<double>>>> carried;
    for (const Tensor<double>& x : windows(6)) {
        Tape<double> tape;
        const auto start = carried.has_value() ? nn::resume(*carried) : by_hand.initial_state(B);
        const auto unrolled = nn::unroll(by_hand, x, start);
        const Var<double> J = square_loss(unrolled.outputs);
        const auto expected = gradient(J, by_hand.parameters());
        carried = nn::carry(unrolled.state);
        const auto [loss, gradients] = stream.step(x, square_loss, streamed.parameters());
        CHECK(loss == J.item());
        for (std::size_t i = 0; i < expected.size(); ++i) check_same_bits(gradients.at(i), expected.at(i));
        adam_by_hand.step(expected);
        adam.step(gradients);
    }
}

TEST_CASE("truncated BPTT: the gradient passes through k2 time steps, and no further") {
    auto cell = made_cell<nn::GruCell<double>>();
    const auto parts = windows(6);
    for (const std::size_t reach : {k1 + 1, 2 * k1, 3 * k1, 10 * k1}) {
        CAPTURE(reach);
        nn::TruncatedBptt stream(cell, {k1, B, I}, reach);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const auto [loss, gradients] = stream.step(parts[i], square_loss, cell.parameters());
            // By hand: all windows before, detached where the reach ends.
            const std::size_t back = std::min((reach + k1 - 1) / k1 - 1, i);
            Tape<double> tape;
            auto state = cell.initial_state(B);
            for (std::size_t j = 0; j < i; ++j) {
                if (j == i - back) state = nn::resume(nn::carry(state));
                state = nn::unroll(cell, parts[j], state).state;
            }
            if (back == 0 && i > 0) state = nn::resume(nn::carry(state));
            const Var<double> J = square_loss(nn::unroll(cell, parts[i], state).outputs);
            CHECK(loss == J.item());
            check_near(gradients, gradient(J, cell.parameters()));
        }
    }
}

TEST_CASE("truncated BPTT: rows that begin anew know nothing of what was before") {
    auto cell = made_cell<nn::LstmCell<double>>();
    auto parts = windows(3);
    Tensor<double> begins = filled({k1, B}, 0);
    begins(2, 1) = 1;  // row 1 in the middle of the second window
    nn::TruncatedBptt stream(cell, {k1, B, I}, 3 * k1);
    const auto run = [&](nn::TruncatedBptt<nn::LstmCell<double>>& own, const Tensor<double>& first) {
        own.step(first, square_loss, cell.parameters());
        own.step(parts[1], nn::StepMask(begins), square_loss, cell.parameters());
        Tensor<double> outputs;
        own.step(
            parts[2],
            [&](const Var<double>& y) {
                outputs = y.value();
                return square_loss(y);
            },
            cell.parameters());
        return outputs;
    };
    Tensor<double> other = parts[0];
    for (std::size_t t = 0; t < k1; ++t) other(t, 1, 0) = std::numeric_limits<double>::quiet_NaN();
    const Tensor<double> outputs = run(stream, parts[0]);
    nn::TruncatedBptt again(cell, {k1, B, I}, 3 * k1);
    const Tensor<double> of_other = run(again, other);
    check_same_bits(part_of(outputs, 1, 1, 1), part_of(of_other, 1, 1, 1));

    // And the row is what its part is alone.
    Tape<double> tape;
    Tensor<double> alone = filled({k1 - 2 + k1, 1, I}, 0);
    for (std::size_t t = 0; t < k1 - 2 + k1; ++t)
        for (std::size_t i = 0; i < I; ++i)
            alone(t, 0, i) = t < k1 - 2 ? parts[1](t + 2, 1, i) : parts[2](t - (k1 - 2), 1, i);
    check_close(part_of(outputs, 1, 1, 1), part_of(nn::unroll(cell, alone).outputs.value(), 0, k1 - 2, k1),
                1e-14);
}

TEST_CASE("truncated BPTT: goes on from a checkpoint to the bit") {
    const auto parts = windows(7);
    const auto file = std::filesystem::temp_directory_path() / "tapeloop_stream_test.safetensors";
    const auto train = [&](std::size_t begin, std::size_t end) {
        auto cell = made_cell<nn::LstmCell<double>>();
        optim::Adam<double> adam(cell.parameters(), {.learning_rate = 0.1});
        nn::TruncatedBptt stream(cell, {k1, B, I}, 3 * k1);
        nn::Checkpoint<double> checkpoint;
        checkpoint.add("cell", cell.parameters());
        checkpoint.add("adam", adam);
        checkpoint.add("stream", stream.carried());
        if (begin > 0) checkpoint.load(file);
        double last = 0;
        for (std::size_t i = begin; i < end; ++i) {
            const auto [loss, gradients] = stream.step(parts[i], square_loss, cell.parameters());
            adam.step(gradients);
            last = loss;
        }
        checkpoint.save(file);
        return last;
    };
    const double at_once = train(0, 7);
    train(0, 4);
    CHECK(train(4, 7) == at_once);
    std::filesystem::remove(file);
}

TEST_CASE("truncated BPTT: what does not fit is refused, and the stream stays where it is") {
    auto cell = made_cell<nn::GruCell<double>>();
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       nn::TruncatedBptt(cell, {k1, B});
                   }),
                   "three axes or more"));
    nn::TruncatedBptt stream(cell, {k1, B, I}, 2 * k1);
    const auto parts = windows(3);
    stream.step(parts[0], square_loss, cell.parameters());
    nn::TruncatedBptt same(cell, {k1, B, I}, 2 * k1);
    same.step(parts[0], square_loss, cell.parameters());
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       stream.step(filled({k1, B, I + 1}, 0), square_loss, cell.parameters());
                   }),
                   "x is [4, 3, 3] and it was made for windows of [4, 3, 2]"));
    CHECK(
        contains(text_of<std::invalid_argument>([&] {
                     stream.step(parts[1], nn::StepMask(filled({B, k1}, 0)), square_loss, cell.parameters());
                 }),
                 "begins is [3, 4]"));
    CHECK(text_of<std::runtime_error>([&] {
              stream.step(
                  parts[1],
                  [](const Var<double>&) -> Var<double> { throw std::runtime_error("of the user's"); },
                  cell.parameters());
          }) == "of the user's");
    const auto after = stream.step(parts[1], square_loss, cell.parameters());
    const auto expected = same.step(parts[1], square_loss, cell.parameters());
    CHECK(after.loss == expected.loss);
    check_same(after.gradients, expected.gradients);
}

TEST_CASE("online gradient: of all windows it is that of the whole sequence") {
    auto cell = made_cell<nn::LstmCell<double>>();
    const auto parts = windows(5);
    nn::OnlineGradient online(cell, {k1, B, I}, cell.parameters());
    std::optional<Gradients<double>> sum_of_windows;
    for (const Tensor<double>& x : parts) {
        const auto [loss, gradients] = online.step(x, square_loss);
        if (sum_of_windows.has_value())
            *sum_of_windows += gradients;
        else
            sum_of_windows.emplace(gradients);
    }
    Tape<double> tape;
    const Var<double> J = 5 * square_loss(nn::unroll(cell, whole(parts)).outputs);
    check_near(*sum_of_windows, gradient(J, cell.parameters()));
}

TEST_CASE("online gradient: what began anew depends on nothing before") {
    auto cell = made_cell<nn::GruCell<double>>();
    const auto parts = windows(2);
    nn::OnlineGradient online(cell, {k1, B, I}, cell.parameters());
    online.step(parts[0], square_loss);
    Tensor<double> begins = filled({k1, B}, 0);
    for (std::size_t row = 0; row < B; ++row) begins(0, row) = 1;
    const auto again = online.step(parts[1], nn::StepMask(begins), square_loss);
    nn::OnlineGradient fresh(cell, {k1, B, I}, cell.parameters());
    check_near(again.gradients, fresh.step(parts[1], square_loss).gradients);
}
