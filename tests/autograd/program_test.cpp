#include <doctest/doctest.h>

#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>
#include <tests/expect.hpp>

#include <array>
#include <functional>

using namespace tapeloop;

namespace {

template <class T>
using Tensors = std::vector<Tensor<T>>;

/// A model that is trained on `batches`, of which the first is recorded.
template <class T, class Model>
struct Run {
    std::vector<T> losses;
    Tensors<T> parameters;
    Tensors<T> gradients;

    void finish(Model& model, const Gradients<T>& last) {
        for (const auto& entry : model.parameters()) parameters.push_back(entry.parameter->value());
        gradients.assign(last.begin(), last.end());
    }
};

template <class T>
Tensors<T> batches(std::size_t count, const Shape& shape) {
    nn::Generator generator(7);
    Tensors<T> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(nn::normal<T>(shape, 0, 1, generator));
    return all;
}

template <class T, class Model>
Run<T, Model> record_anew(Model model, const Tensors<T>& data) {
    Run<T, Model> run;
    optim::Adam<T> adam(model.parameters(), {.learning_rate = 0.05});
    std::optional<Gradients<T>> last;
    nn::Generator masks(3);
    const nn::Training training(masks);
    for (const Tensor<T>& batch : data) {
        Tape<T> tape;
        const Var<T> J = model.loss(input(batch));
        last.emplace(gradient(J, model.parameters()));
        run.losses.push_back(J.item());
        adam.step(*last);
    }
    run.finish(model, *last);
    return run;
}

template <class T, class Model>
Run<T, Model> run_again(Model model, const Tensors<T>& data) {
    Run<T, Model> run;
    optim::Adam<T> adam(model.parameters(), {.learning_rate = 0.05});
    nn::Generator masks(3);
    const nn::Training training(masks);
    Tape<T> tape;
    const Var<T> x = input(data[0]);
    const Var<T> J = model.loss(x);
    Program<T> program(J, model.parameters());
    for (std::size_t i = 0; i < data.size(); ++i) {
        program.set(x, data[i]);
        if (i > 0) program.run();  // made, it has the gradients of what was recorded
        run.losses.push_back(J.item());
        adam.step(program.gradients());
    }
    run.finish(model, program.gradients());
    return run;
}

template <class T, class Cell>
struct Recurrent {
    Cell cell;
    nn::Linear<T> output;

    Var<T> loss(const Var<T>& x) const {
        const Var<T> logits = output(nn::unroll(cell, x).outputs);
        return mean(square(logits)) + mean(tanh(logits));
    }
    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }
};

/// Compares training through a program with recording every step, to the last bit.
template <class T, class MakeCell>
void check_training(const MakeCell& make, const Shape& shape = {5, 3, 4}) {
    const auto model = [&] {
        nn::Generator generator(11);
        auto cell = make(generator);
        return Recurrent<T, decltype(cell)>{std::move(cell), nn::Linear<T>(6, 3, generator)};
    };
    const auto data = batches<T>(8, shape);
    const auto anew = record_anew<T>(model(), data);
    const auto again = run_again<T>(model(), data);
    CHECK(anew.losses == again.losses);
    CHECK(anew.losses.front() != anew.losses.back());
    REQUIRE(anew.parameters.size() == again.parameters.size());
    for (std::size_t i = 0; i < anew.parameters.size(); ++i) {
        CHECK(test::difference_in_bits(test::as_double(again.parameters[i]),
                                       test::as_double(anew.parameters[i])) == "");
        CHECK(test::difference_in_bits(test::as_double(again.gradients[i]),
                                       test::as_double(anew.gradients[i])) == "");
    }
}

std::string refusal(const std::function<void()>& call) {
    try {
        call();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE_TEMPLATE("training through a program gives the bits of recording anew", T, float, double) {
    SUBCASE("elman") {
        check_training<T>([](auto& g) { return nn::ElmanCell<T>(4, 6, g); });
    }
    SUBCASE("gru") {
        check_training<T>([](auto& g) { return nn::GruCell<T>(4, 6, g); });
    }
    SUBCASE("lstm") {
        check_training<T>([](auto& g) { return nn::LstmCell<T>(4, 6, g); });
    }
    // More rows than the products of a weight's gradient are put off for.
    SUBCASE("many rows") {
        check_training<T>([](auto& g) { return nn::LstmCell<T>(4, 6, g); }, {60, 40, 4});
    }
    SUBCASE("rows that are many at once") {
        check_training<T>([](auto& g) { return nn::GruCell<T>(4, 6, g); }, {3, 600, 4});
    }
    SUBCASE("layer norm") {
        check_training<T>([](auto& g) { return nn::LstmVariantCell<T>(4, 6, g, {.layer_norm = true}); });
    }
    SUBCASE("dropout in a stack") {
        check_training<T>([](auto& g) {
            return nn::Stack<T>(nn::GruCell<T>(4, 5, g), nn::Dropout{.rate = 0.4}, nn::GruCell<T>(5, 6, g));
        });
    }
    SUBCASE("one mask for a sequence") {
        check_training<T>([](auto& g) {
            return nn::Stack<T>(nn::GruCell<T>(4, 5, g), nn::Dropout{.rate = 0.4, .same_for_sequence = true},
                                nn::GruCell<T>(5, 6, g));
        });
    }
    SUBCASE("zoneout and recurrent dropout") {
        check_training<T>([](auto& g) {
            return nn::Zoneout(nn::RecurrentDropout(nn::LstmCell<T>(4, 6, g), 0.3), {0.2, 0.1});
        });
    }
}

TEST_CASE("a program draws what `drawn` draws, and keeps what a function of the user's computes up to date") {
    Parameter<double> w("w", Tensor<double>{1, 2, 3});
    double noise = 1;
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{1, 1, 1});
    const auto cube = custom(
        "cube", [](const Tensor<double>& v) { return Tensor<double>(v * v * v); },
        [](const auto& g, const auto&, const auto& v) { return 3.0 * g * v * v; });
    // Its rule does another thing for other values, which no look at the first run can tell.
    const auto folded = custom(
        "folded", [](const auto& v) { return v; },
        [](const Array<double>& g, const Array<double>&, const Array<double>& v) {
            return v.data()[0] > 5 ? 100.0 * g : g * 1.0;
        });
    const Var<double> eta =
        drawn<double>({3}, [&](std::span<double> to) { std::fill(to.begin(), to.end(), noise); });
    const Var<double> J = sum(folded(cube(x * w)) * eta);
    Program<double> program(J, {w, x, eta});
    CHECK(J.item() == 36);
    CHECK(program.gradients()[w] == Tensor<double>{3, 12, 27});

    noise = 2;
    w.update()[0] = 3;
    program.set(x, Tensor<double>{2, 1, 1});
    program.run();
    CHECK(J.item() == 2 * (216 + 8 + 27));
    CHECK(eta.value() == Tensor<double>{2, 2, 2});
    CHECK(program.gradients()[w] == 100 * 2 * Tensor<double>{3 * 36 * 2, 12, 27});
    CHECK(program.gradients()[x] == 100 * 2 * Tensor<double>{3 * 36 * 3, 24, 81});
    CHECK(program.gradients()[eta] == Tensor<double>{216, 8, 27});
}

TEST_CASE("a program computes values alone, and all values are those of the last run") {
    Parameter<double> w("w", Tensor<double>{2});
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{3});
    const Var<double> y = x * w;
    const Var<double> J = sum(y);
    const Var<double> aside = exp(y);
    Program<double> program(J, {w});
    program.set(x, Tensor<double>{5});
    program.run_forward();
    CHECK(J.item() == 10);
    CHECK(aside.item() == doctest::Approx(std::exp(10.0)));
    CHECK(program.gradients()[w] == Tensor<double>{3});
    program.run();
    CHECK(program.gradients()[w] == Tensor<double>{5});
}

TEST_CASE("gradients that were changed, asked for twice, or that nothing arrives at are written anew") {
    Parameter<double> w("w", Tensor<double>{2});
    Parameter<double> unused("unused", Tensor<double>{2});
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{3});
    const Var<double> J = sum(x * w);
    Program<double> program(J, {w, x, w, unused});
    for (double value : {4.0, 7.0}) {
        program.gradients() *= 100;
        program.gradients().at(3) = Tensor<double>{9};
        program.set(x, Tensor<double>{value});
        program.run();
        CHECK(program.gradients().at(0) == Tensor<double>{value});
        CHECK(program.gradients().at(1) == Tensor<double>{2});
        CHECK(program.gradients().at(2) == Tensor<double>{value});
        CHECK(program.gradients().at(3) == Tensor<double>{0});
    }
}

TEST_CASE("gradients that were taken away or given other tensors are whole again after a run") {
    Parameter<double> w("w", Tensor<double>{2, 3});
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{3, 5});
    Program<double> program(sum(x * w), {w});
    for (double value : {4.0, 7.0, 9.0}) {
        if (value == 4) program.gradients().at(0) = Tensor<double>{1, 1};
        if (value == 7) program.gradients().at(0) = Tensor<double>{1, 1, 1};
        if (value == 9) const Gradients<double> taken = std::move(program.gradients());
        program.set(x, Tensor<double>{value, 5});
        program.run();
        CHECK(program.gradients()[w] == Tensor<double>{value, 5});
    }
}

TEST_CASE("a program refuses what would silently stay as it was") {
    Parameter<double> w("w", Tensor<double>{2});
    SUBCASE("a value that was read") {
        Tape<double> tape;
        const Var<double> y = w * 3.0;
        const Var<double> J = y.item() > 0 ? sum(y) : sum(-y);
        const std::string text = refusal([&] { Program<double> program(J, {w}); });
        CHECK(has(text, "program: the value of multiply (program_test.cpp"));
        CHECK(has(text, "was read while"));
        CHECK(has(text, fmt::format("program_test.cpp:{}", __LINE__ - 4)));
        Program<double> allowed(J, {w}, {.reads_are_harmless = true});
        CHECK(allowed.gradients()[w] == Tensor<double>{3});
    }
    SUBCASE("a value that was read when all was recorded is no harm") {
        Tape<double> tape;
        const Var<double> J = sum(w * 3.0);
        CHECK(J.item() == 6);
        CHECK_NOTHROW(Program<double>(J, {w}));
    }
    SUBCASE("what was computed below Paused") {
        Tape<double> tape;
        const Var<double> y = [&] {
            const Paused<double> paused;
            return w * 3.0;
        }();
        const Var<double> J = sum(y * w);
        CHECK(has(refusal([&] { Program<double> program(J, {w}); }), "program: the value of parameter 'w'"));
    }
    SUBCASE("a watched tape") {
        Tape<double> tape({.watch = true});
        const Var<double> J = sum(w * 3.0);
        CHECK(has(refusal([&] { Program<double> program(J, {w}); }), "watched"));
    }
    SUBCASE("a parameter that was replaced, not one that was moved") {
        Tape<double> tape;
        const Var<double> J = sum(w * w);
        Program<double> program(J, {w});
        Parameter<double> moved = std::move(w);
        moved.update()[0] = 5;
        program.run();
        CHECK(program.gradients().at(0) == Tensor<double>{10});
        moved = Parameter<double>("other", Tensor<double>{1});
        CHECK(has(refusal([&] { program.run(); }), "parameter 'w' was replaced"));
    }
    SUBCASE("a tape that is gone") {
        std::optional<Program<double>> program;
        {
            Tape<double> tape;
            program.emplace(sum(w * w), WrtList<double>{w});
        }
        CHECK(has(refusal([&] { program->run(); }), "its tape is gone"));
    }
}

TEST_CASE("`set` takes inputs of their shape alone") {
    Parameter<double> w("w", Tensor<double>{2});
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{3});
    const Var<double> y = x * w;
    const Var<double> J = sum(y);
    Program<double> program(J, {w});
    const Var<double> late = input(Tensor<double>{3});
    CHECK(has(refusal([&] {
                  program.set(x, Tensor<double>{1, 2});
              }),
              "the input is [1] and its new value [2]"));
    CHECK(has(refusal([&] { program.set(y, Tensor<double>{1}); }), "multiply"));
    CHECK(has(refusal([&] { program.set(late, Tensor<double>{1}); }), "before the program was made"));
    Tape<double> other;
    const Var<double> elsewhere = input(Tensor<double>{3});
    CHECK(has(refusal([&] { program.set(elsewhere, Tensor<double>{1}); }), "another tape"));
    program.run();
    CHECK(J.item() == 6);
}

TEST_CASE("a program whose step throws runs on when it does not") {
    Parameter<double> w("w", Tensor<double>{2});
    bool fails = false;
    Tape<double> tape;
    const auto fragile = custom(
        "fragile",
        [&](const auto& v) {
            if (fails) throw std::runtime_error("no");
            return v * 1.0;
        },
        [](const auto& g, const auto&, const auto&) { return g; });
    const Var<double> J = sum(fragile(w * 3.0));
    Program<double> program(J, {w});
    fails = true;
    CHECK(refusal([&] { program.run(); }) == "no");
    fails = false;
    w.update()[0] = 4;
    program.run();
    CHECK(J.item() == 12);
    CHECK(program.gradients()[w] == Tensor<double>{3});
}

TEST_CASE("a run leaves nothing on the tape") {
    nn::Generator generator(1);
    nn::LstmCell<float> cell(8, 8, generator);
    Tape<float> tape;
    const Var<float> x = input(nn::normal<float>({20, 2, 8}, 0, 1, generator));
    const Var<float> J = sum(square(nn::unroll(cell, x).outputs));
    Program<float> program(J, cell.parameters());
    program.run();
    const TapeStatistics before = tape.statistics();
    for (int i = 0; i < 100; ++i) program.run();
    CHECK(tape.statistics().nodes == before.nodes);
    CHECK(tape.statistics().value_bytes == before.value_bytes);
}

TEST_CASE("two programs of one tape share its values") {
    Parameter<double> w("w", Tensor<double>{2});
    Tape<double> tape;
    const auto plain = custom(
        "plain", [](const auto& v) { return v * v; },
        [](const auto& g, const auto&, const auto& v) { return 2.0 * g * v; });
    const Var<double> x = input(Tensor<double>{3});
    const Var<double> y = plain(x * w);
    const Var<double> J = sum(y);
    const Var<double> K = sum(y * y);
    Program<double> of_J(J, {w});
    Program<double> of_K(K, {w});
    of_J.set(x, Tensor<double>{5});
    of_J.run();
    CHECK(J.item() == 100);
    CHECK(of_J.gradients()[w] == Tensor<double>{100});
    of_K.set(x, Tensor<double>{1});
    w.update()[0] = 3;
    of_K.run();
    CHECK(J.item() == 9);
    CHECK(K.item() == 81);
    CHECK(of_K.gradients()[w] == Tensor<double>{108});
    of_J.run();
    CHECK(of_J.gradients()[w] == Tensor<double>{6});
}

TEST_CASE("a run that an exception ended in its sweep leaves nothing to the next") {
    nn::Generator generator(1);
    Parameter<double> W("W", nn::normal<double>({3, 3}, 0, 1, generator));
    bool fails = false;
    const auto fragile = custom(
        "fragile", [](const auto& v) { return v * 1.0; },
        [&](const auto& g, const auto&, const auto&) {
            if (fails) throw std::runtime_error("no");
            return g * 1.0;
        });
    Tape<double> tape;
    const Var<double> x = input(nn::normal<double>({2, 3}, 0, 1, generator));
    const Var<double> first = fragile(tanh(matmul(x, W)));
    const Var<double> J = sum(square(matmul(tanh(matmul(first, W)), W)));
    Program<double> program(J, {W});
    const Tensor<double> expected = program.gradients()[W];
    fails = true;
    CHECK(refusal([&] { program.run(); }) == "no");
    fails = false;
    program.run();
    CHECK(program.gradients()[W] == expected);
}

namespace {

/// Words in, the class of what follows each of them out.
template <class T>
struct Tagger {
    nn::Embedding<T> embedding;
    nn::GruCell<T> cell;
    nn::Linear<T> output;

    explicit Tagger(nn::Generator& generator)
        : embedding(7, 3, generator, {.padding = 2}), cell(3, 4, generator), output(4, 5, generator) {}

    Var<T> loss(const Indices& tokens, const Indices& targets, const nn::CrossEntropyOptions& options) const {
        return nn::softmax_cross_entropy(output(nn::unroll(cell, embedding(tokens)).outputs), targets,
                                         options);
    }
    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("embedding", embedding.parameters());
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }
};

Indices drawn_positions(nn::Generator& generator, std::size_t below) {
    std::vector<std::ptrdiff_t> list;
    for (int i = 0; i < 12; ++i) list.push_back(static_cast<std::ptrdiff_t>(generator.below(below)));
    return Indices(list).reshaped({4, 3});
}

template <class T>
void check_positions(const nn::CrossEntropyOptions& options) {
    nn::Generator generator(5);
    Tagger<T> tagger(generator);
    const Indices tokens = drawn_positions(generator, 7);
    const Indices targets = drawn_positions(generator, 5);
    Tape<T> tape;
    const Var<T> J = tagger.loss(tokens, targets, options);
    Program<T> program(J, tagger.parameters());
    for (int round = 0; round < 4; ++round) {
        const Indices next_tokens = drawn_positions(generator, 7);
        const Indices next_targets = drawn_positions(generator, 5);
        program.set(tokens, next_tokens);
        program.set(targets, next_targets);
        program.run();
        Tape<T> anew;
        const Var<T> expected = tagger.loss(next_tokens, next_targets, options);
        CHECK(J.item() == expected.item());
        const auto gradients = gradient(expected, tagger.parameters());
        for (std::size_t i = 0; i < gradients.size(); ++i)
            CHECK(test::difference_in_bits(test::as_double(program.gradients().at(i)),
                                           test::as_double(gradients.at(i))) == "");
        optim::Sgd<T>(tagger.parameters(), {.learning_rate = 0.3}).step(gradients);
    }
}

}  // namespace

TEST_CASE_TEMPLATE("program: tokens and classes that are given anew, to the bit", T, float, double) {
    check_positions<T>({});
    check_positions<T>({.reduction = nn::Reduction::mean});
    check_positions<T>({.ignore = 3});
    check_positions<T>({.lengths = {4, 1, 3}});
}

TEST_CASE("program: positions of all operations that take them") {
    test::Random random("positions");
    const Tensor<double> table = random.tensor({5, 3});
    const Tensor<double> rows = random.tensor({2, 3});
    const auto f = [&](const Var<double>& x, const Indices& i) {
        const Var<double> y = scatter_add(x, i, rows) * 2;
        return sum(square(gather_rows(y, i))) + sum(exp(take_along(y, i.reshaped({2, 1}), 0)));
    };
    Tape<double> tape;
    const Var<double> x = input(table);
    const Indices i{0, 4};
    const Var<double> J = f(x, i);
    Program<double> program(J, {x});
    for (const Indices& next : {Indices{1, 1}, Indices{3, 0}}) {
        program.set(i, next);
        program.run();
        Tape<double> anew;
        const Var<double> y = input(table);
        const Var<double> expected = f(y, next);
        CHECK(J.item() == expected.item());
        CHECK(test::difference_in_bits(program.gradients()[x], gradient(expected, {y})[y]) == "");
    }
}

TEST_CASE("program: positions that cannot be set are refused, and change nothing") {
    nn::Generator generator(5);
    Tagger<double> tagger(generator);
    const Indices tokens = drawn_positions(generator, 7);
    const Indices targets = drawn_positions(generator, 5);
    Tape<double> tape;
    const Var<double> J = tagger.loss(tokens, targets, {});
    Program<double> program(J, tagger.parameters());
    const double before = J.item();
    CHECK(test::contains(refusal([&] {
                             program.set(tokens, {1, 2});
                         }),
                         "the positions are [4, 3] and the new ones [2]"));
    const Indices too_large = Indices(std::vector<int>(12, 7)).reshaped({4, 3});
    CHECK(test::contains(refusal([&] { program.set(tokens, too_large); }), "is 7, it must be in 0 .. 6"));
    CHECK(test::contains(refusal([&] { program.set(targets, too_large); }), "it must be in 0..4"));
    const Indices same_numbers = Indices(tokens.values()).reshaped({4, 3});
    CHECK(test::contains(refusal([&] { program.set(same_numbers, tokens); }),
                         "nothing was recorded with these"));
    program.run();
    CHECK(J.item() == before);

    Tape<double> other;
    const Var<double> weighted = tagger.loss(tokens, targets, {.weights = {1, 2, 3, 4, 5}});
    Program<double> of_weighted(weighted, tagger.parameters());
    CHECK(test::contains(refusal([&] { of_weighted.set(targets, targets); }), "smoothed or weighted"));
}
