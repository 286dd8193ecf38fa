#include <autograd/program.hpp>
#include <nn/nn.hpp>
#include <tests/nn/sequence/rows_alone.hpp>

#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

// Lengths that a program may give anew: each row gives what it gives alone, and another batch of lengths
// gives, by the same recording, what it gives recorded with them.

namespace {

using D = Var<double>;

constexpr std::size_t T = 5;
constexpr std::size_t B = 4;
constexpr std::size_t I = 3;
constexpr std::size_t H = 2;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using List = std::vector<std::size_t>;
const std::vector<List> all_lengths{{3, 5, 0, 1}, {5, 5, 5, 5}, {0, 0, 2, 0}, {1, 4, 5, 2}, {0, 0, 0, 0}};

Tensor<double> sequence(std::string_view name) { return Random(name).tensor({T, B, I}); }

template <class L>
void check_layer(L layer) {
    Tensors initial;
    {
        Tape<double> tape;
        Random random("initial");
        nn::for_each_part([&](const D& part) { initial.push_back(random.tensor(part.shape())); },
                          layer.initial_state(B));
    }
    for (const List& lengths : all_lengths)
        for (const bool reverse : {false, true}) {
            CAPTURE(fmt::format("{}", fmt::join(lengths, " ")));
            CAPTURE(reverse);
            nn::UnrollOptions options;
            options.lengths = Indices(lengths);
            options.reverse = reverse;
            check_rows_alone(layer, sequence("x"), initial, counted_by(lengths), options, nan);
        }
}

/// Negative behind the end of a row, where log is NaN and its slope infinite.
struct OfLogarithms {
    Parameter<double> U;

    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, H})); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = tanh(matmul(log(x * x), U) + h);
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U); }
};

/// A loss of an unrolled LSTM with the lengths, and its gradients.
struct Task {
    std::string name;
    std::function<D(const D& outputs, const Indices& classes, const nn::Lengths& lengths)> loss;
};

std::vector<Task> tasks() {
    std::vector<Task> list{{"last outputs",
                            [](const D& outputs, const Indices&, const nn::Lengths& lengths) {
                                return sum(square(nn::last_outputs(outputs, lengths)));
                            }},
                           {"masked", [](const D& outputs, const Indices&, const nn::Lengths& lengths) {
                                return sum(square(nn::mask_by_lengths(outputs - 1, lengths)));
                            }}};
    for (const auto reduction :
         {nn::Reduction::batch_mean, nn::Reduction::mean, nn::Reduction::sum, nn::Reduction::none}) {
        const auto add = [&](const char* name, auto loss) {
            list.push_back({fmt::format("{} {}", name, static_cast<int>(reduction)),
                            [=](const D& outputs, const Indices& classes, const nn::Lengths& lengths) {
                                return sum(square(loss(outputs, classes, lengths)));
                            }});
        };
        add("classes", [=](const D& outputs, const Indices& classes, const nn::Lengths& lengths) {
            return nn::softmax_cross_entropy(outputs, classes, {.reduction = reduction, .lengths = lengths});
        });
        add("distributions", [=](const D& outputs, const Indices&, const nn::Lengths& lengths) {
            return nn::softmax_cross_entropy(outputs, exp(outputs),
                                             {.reduction = reduction, .lengths = lengths});
        });
        add("likelihood", [=](const D& outputs, const Indices& classes, const nn::Lengths& lengths) {
            nn::Targets targets(std::vector<std::size_t>{T, B});
            std::copy(classes.values().begin(), classes.values().end(), targets.begin());
            return nn::nll_loss(log_softmax(outputs, -1), targets,
                                {.reduction = reduction, .lengths = lengths});
        });
        add("squares", [=](const D& outputs, const Indices&, const nn::Lengths& lengths) {
            return nn::mean_squared_error(outputs, 0.3 * outputs,
                                          {.reduction = reduction, .lengths = lengths});
        });
        add("sigmoids", [=](const D& outputs, const Indices&, const nn::Lengths& lengths) {
            return nn::sigmoid_cross_entropy(
                outputs, sigmoid(outputs),
                {.reduction = reduction, .positive_weights = {2.0}, .lengths = lengths});
        });
    }
    return list;
}

/// The classes of a batch, [T, B].
Indices classes_of(std::string_view name) {
    Random random(name);
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < T * B; ++i) list.push_back(random.below(H));
    return Indices(list).reshaped({T, B});
}

struct Result {
    double loss = 0;
    Tensors gradients;
    std::size_t nodes = 0;
};

Result recorded(nn::LstmCell<double>& cell, const Task& task, const Tensor<double>& x,
                const nn::Lengths& lengths, const Indices& classes) {
    Tape<double> tape;
    const D J = task.loss(nn::unroll(cell, x, {.lengths = lengths}).outputs, classes, lengths);
    Result result{J.item(), {}, tape.size()};
    for (const Tensor<double>& g : gradient(J, cell.parameters())) result.gradients.push_back(g);
    return result;
}

}  // namespace

TEST_CASE("lengths as a slot: each row gives what it gives alone") {
    nn::Generator generator(3);
    check_layer(nn::LstmCell<double>(I, H, generator));
    check_layer(nn::GruCell<double>(I, H, generator));
    check_layer(nn::MinGruCell<double>(I, H, generator));
    check_layer(nn::QrnnCell<double>(I, H, generator));
    check_layer(nn::LruCell<double>(I, H, generator));
    check_layer(nn::Residual(nn::ElmanCell<double>(I, I, generator)));
    check_layer(
        nn::Bidirectional(nn::LstmCell<double>(I, H, generator), nn::GruCell<double>(I, H, generator)));
    check_layer(nn::Stack<double>(nn::Linear<double>(I, H, generator), nn::LayerNorm<double>(H),
                                  nn::LstmCell<double>(H, H, generator)));
    check_layer(OfLogarithms{Parameter<double>("U", nn::xavier_uniform<double>({I, H}, generator))});
}

TEST_CASE("lengths as a slot: a trace shows each row's state after every time step") {
    nn::Generator generator(4);
    const nn::LstmCell<double> cell(I, H, generator);
    for (const List& lengths : all_lengths) {
        const Tape<double> tape;
        const Tensor<double> x = sequence("traced");
        const auto fixed = nn::unroll(cell, x, {.trace = true, .lengths = lengths});
        const auto slot = nn::unroll(cell, x, {.trace = true, .lengths = Indices(lengths)});
        REQUIRE(slot.trace.size() == T);
        for (std::size_t t = 0; t < T; ++t)
            for (std::size_t part = 0; part < 2; ++part)
                check_close(slot.trace[t][part].value(), fixed.trace[t][part].value(), 1e-14);
    }
}

TEST_CASE("lengths as a slot: a program with other lengths is what is recorded with them") {
    nn::Generator generator(5);
    nn::LstmCell<double> cell(I, H, generator);
    for (const Task& task : tasks()) {
        CAPTURE(task.name);
        Tape<double> tape;
        const D x = input(sequence("first"));
        const Indices lengths(all_lengths[0]);
        const Indices classes = classes_of("first");
        const D J = task.loss(nn::unroll(cell, x, {.lengths = lengths}).outputs, classes, lengths);
        const std::size_t nodes = tape.size();
        Program<double> program(J, cell.parameters());
        const bool has_classes = task.name.starts_with("classes");
        for (const List& others : all_lengths) {
            CAPTURE(fmt::format("{}", fmt::join(others, " ")));
            const Tensor<double> batch = sequence(fmt::format("batch {}", others[0]));
            const Indices next = has_classes ? classes_of("next") : classes;
            program.set(x, batch);
            program.set(lengths, Indices(others));
            if (has_classes) program.set(classes, next);
            program.run();

            const Result anew = recorded(cell, task, batch, Indices(others), next);
            CHECK(anew.nodes == nodes);
            CHECK(J.item() == anew.loss);
            const Result fixed = recorded(cell, task, batch, others, next);
            CHECK(J.item() == doctest::Approx(fixed.loss).epsilon(1e-13));
            for (std::size_t k = 0; k < anew.gradients.size(); ++k) {
                check_same_bits(program.gradients().at(k), anew.gradients[k]);
                check_close(program.gradients().at(k), fixed.gradients[k], 1e-12);
            }
        }
    }
}

TEST_CASE("lengths as a slot: what does not fit is refused before anything is changed") {
    nn::Generator generator(6);
    nn::LstmCell<double> cell(I, H, generator);
    Tape<double> tape;
    const D x = input(sequence("x"));
    const Indices lengths(List{3, 5, 0, 1});
    const D outputs = nn::unroll(cell, x, {.lengths = lengths}).outputs;
    const D J = sum(square(nn::last_outputs(outputs, lengths)));
    Program<double> program(J, cell.parameters());
    const double before = J.item();
    const auto refusal = [&](const Indices& others) {
        return text_of<std::invalid_argument>([&] { program.set(lengths, others); });
    };
    CHECK(contains(refusal({3, 6, 0, 1}), "the length of row 1 is 6; the sequence has 5 time steps"));
    CHECK(contains(refusal({3, -1, 0, 1}), "the length of row 1 is -1; it must not be negative"));
    CHECK_THROWS_AS(program.set(lengths, {3, 1, 0}), std::invalid_argument);
    program.run();
    CHECK(J.item() == before);

    const D without_batch = sum(sum(outputs, -1), -1);
    const std::size_t nodes = tape.size();
    CHECK_THROWS_AS(nn::unroll(cell, x, {.lengths = Indices{3, 6, 0, 1}}), std::invalid_argument);
    CHECK_THROWS_AS(nn::unroll(cell, x, {.lengths = lengths, .memory = 1000}), std::invalid_argument);
    CHECK_THROWS_AS(
        nn::unroll(cell, x, {.lengths = lengths, .mask = Tensor<double>(xt::ones<double>({T, B}))}),
        std::invalid_argument);
    CHECK_THROWS_AS(
        nn::softmax_cross_entropy(outputs, classes_of("x"),
                                  {.reduction = nn::Reduction::mean, .ignore = 1, .lengths = lengths}),
        std::invalid_argument);
    CHECK_THROWS_AS(nn::ctc_loss(outputs, {{1}, {1}, {}, {1}}, {.lengths = lengths}), std::logic_error);
    CHECK_THROWS_AS(nn::Lengths(Indices(List{1, 2}).reshaped({1, 2})), std::invalid_argument);
    for (const nn::Lengths& wrong : {nn::Lengths{3}, nn::Lengths{3, 1, 6, 0}, nn::Lengths(Indices{3})})
        CHECK_THROWS_AS(nn::mask_by_lengths(outputs, wrong), std::invalid_argument);
    CHECK_THROWS_AS(nn::mask_by_lengths(without_batch, {3, 1, 2, 0}), std::invalid_argument);
    nn::Lengths slot = lengths;
    CHECK_THROWS_AS(slot[0], std::logic_error);
    CHECK_THROWS_AS(slot.begin(), std::logic_error);
    CHECK(slot == nn::Lengths(lengths));
    CHECK(slot != nn::Lengths{3, 5, 0, 1});
    CHECK(nn::Lengths{1, 2} == List{1, 2});
    CHECK_THROWS_AS(slot.push_back(1), std::logic_error);
    CHECK(tape.size() == nodes);
}
