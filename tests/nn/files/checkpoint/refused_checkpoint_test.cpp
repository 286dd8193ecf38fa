#include <tests/expect.hpp>
#include <tests/nn/files/checkpoint/training.hpp>

#include <autograd/ops/reduce.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// What adds something of its own to a checkpoint, beside a model of given sizes with Adam.
struct Trained {
    explicit Trained(std::size_t inputs = 2, optim::AdamOptions options = {.learning_rate = 0.5})
        : output(inputs, 3, generator), adam(output.parameters(), options) {
        checkpoint.add("model", output.parameters());
        checkpoint.add("adam", adam);
        checkpoint.add("epoch", epoch);
    }
    /// The error of going on from another's state; requires that it changes nothing.
    std::string refuses(const nn::NamedArrays& saved) {
        const nn::NamedArrays before = checkpoint.state();
        const std::string text = text_of<std::invalid_argument>([&] { checkpoint.restore(saved); });
        CHECK(difference(checkpoint.state(), before) == "");
        const std::string head = "checkpoint: what was saved does not fit, and nothing was changed:\n  ";
        return text.starts_with(head) ? text.substr(head.size()) : text;
    }

    nn::Generator generator{3};
    nn::Linear<double> output;
    optim::Adam<double> adam;
    nn::Checkpoint<double> checkpoint;
    int epoch = 0;
};

/// Of a training that has come further, so that a part of it would be noticed.
nn::NamedArrays saved_by(Trained& trained) {
    trained.epoch = 7;
    const Tape<double> tape;
    const Var<double> J = sum(trained.output(input(filled({4, trained.output.V.shape()[0]}, 0.25))));
    trained.adam.step(gradient(J, trained.output.parameters()));
    return trained.checkpoint.state();
}
nn::NamedArrays saved() {
    Trained trained;
    return saved_by(trained);
}
template <class Change>
nn::NamedArrays saved_but(const Change& change) {
    nn::NamedArrays changed = saved();
    change(changed);
    return changed;
}

}  // namespace

TEST_CASE("checkpoint: what fits is taken") {
    Trained trained;
    trained.checkpoint.restore(saved());
    CHECK(trained.epoch == 7);
    CHECK(trained.adam.steps() == 1);
    CHECK(difference(trained.checkpoint.state(), saved()) == "");
}

TEST_CASE("checkpoint: another model is refused with all differences") {
    Trained other(4);
    CHECK(other.refuses(saved()) ==
          "'model/V' was saved as [2, 3] and is [4, 3] here\n"
          "  'adam/running0/V' was saved as [2, 3] and is [4, 3] here\n"
          "  'adam/running1/V' was saved as [2, 3] and is [4, 3] here");

    Parameter<double> bias("c", vector({1, 2, 3}));
    Parameter<double> gain("g", vector({1, 2}));
    nn::Checkpoint<double> fewer;
    fewer.add("model", parameter_list(bias, gain));
    Trained trained;
    nn::NamedArrays named = saved();
    const std::string text = text_of<std::invalid_argument>([&] { fewer.restore(named); });
    CHECK(text ==
          "checkpoint: what was saved does not fit, and nothing was changed:\n"
          "  'model/g' [2] was not saved\n"
          "  'adam' (optimizer) was saved and is not here\n"
          "  'epoch' (integer) was saved and is not here\n"
          "  'model/V' [2, 3] was saved and is not here");
    check_same_bits(bias.value(), vector({1, 2, 3}));
}

TEST_CASE("checkpoint: another optimizer, and one of other options, are refused") {
    Trained trained;
    nn::Checkpoint<double> other;
    optim::Sgd<double> sgd(trained.output.parameters(), {.momentum = 0.5});
    other.add("model", trained.output.parameters());
    other.add("adam", sgd);
    other.add("epoch", trained.epoch);
    CHECK(contains(text_of<std::invalid_argument>([&] { other.restore(saved()); }),
                   "changed:\n  'adam': optimizer was saved as 'adam' and is 'sgd' here"));
    CHECK(trained.epoch == 0);

    Trained faster(2, {.learning_rate = 0.5, .beta1 = 0.8, .amsgrad = true});
    CHECK(faster.refuses(saved()) ==
          "'adam': amsgrad was saved as 0 and is 1 here\n"
          "  'adam': beta1 was saved as 0.9 and is 0.8 here\n"
          "  'adam/running2/V' [2, 3] was not saved\n"
          "  'adam/running2/c' [3] was not saved");
    Trained first_rate(2, {.learning_rate = 0.125});
    first_rate.checkpoint.restore(saved());
    CHECK(first_rate.adam.learning_rate() == 0.5);
}

TEST_CASE("checkpoint: what is none, and one of another version, is refused") {
    Trained trained;
    CHECK(
        trained.refuses({}) ==
        "checkpoint: this is no checkpoint; the format in its metadata is '' and not 'tapeloop checkpoint'");
    CHECK(trained.refuses(saved_but([](auto& s) { s.metadata["format"] = "pt"; })) ==
          "checkpoint: this is no checkpoint; the format in its metadata is 'pt' and not 'tapeloop "
          "checkpoint'");
    CHECK(trained.refuses(saved_but([](auto& s) { s.metadata["version"] = "2"; })) ==
          "checkpoint: this is of version '2', and the library reads version '1'");
    CHECK(trained.refuses(saved_but([](auto& s) { s.metadata.erase("version"); })) ==
          "checkpoint: this is of version '', and the library reads version '1'");
}

TEST_CASE("checkpoint: what is missing, left over or of another kind is refused") {
    Trained trained;
    const auto refused = [&](const auto& change) { return trained.refuses(saved_but(change)); };
    CHECK(refused([](auto& s) { s.arrays.erase("model/c"); }) == "'model/c' [3] was not saved");
    CHECK(refused([](auto& s) { s.arrays.erase("adam/steps"); }) == "'adam/steps' was not saved");
    CHECK(refused([](auto& s) { s.arrays.erase("epoch"); }) == "'epoch' was not saved");
    CHECK(refused([](auto& s) { s.metadata.erase("value/adam/beta2"); }) ==
          "the text 'adam/beta2' was not saved");
    CHECK(refused([](auto& s) { s.metadata["value/adam/gamma"] = "1"; }) ==
          "the text 'adam/gamma' was saved and is not here");
    CHECK(refused([](auto& s) { s.metadata["value/adam/beta2"] = "0.999x"; }) ==
          "'adam': beta2 was saved as 0.999x and is 0.999 here");
    CHECK(refused([](auto& s) { s.metadata.erase("kind/adam"); }).starts_with("'adam' (optimizer) was not "));
    CHECK(refused([](auto& s) { s.metadata["kind/epoch"] = "text"; }) ==
          "'epoch' was saved as 'text' and is integer here");
    CHECK(refused([](auto& s) { s.metadata["kind/note"] = "text"; }) ==
          "'note' (text) was saved and is not here");
    CHECK(refused([](auto& s) {
              s.arrays["model/more"] = vector({1, 2});
          }) == "'model/more' [2] was saved and is not here");
    CHECK(refused([](auto& s) {
              s.arrays["model/c"] = Tensor<float>({1, 2, 3});
          }) == "'model/c' was saved as float and is double here");
    CHECK(refused([](auto& s) {
              s.arrays["adam/steps"] = vector({1, 2});
          }) == "'adam/steps' was saved as double and is std::uint64_t here");
    CHECK(refused([](auto& s) {
              s.arrays["epoch"] = xt::xarray<std::int64_t>{1, 2};
          }) == "'epoch' was saved as [2] and is one number here");
}

TEST_CASE("checkpoint: numbers that are none of a training are refused") {
    Trained trained;
    const auto refused = [&](const auto& change) { return trained.refuses(saved_but(change)); };
    CHECK(refused([](auto& s) {
              s.arrays["model/c"] = vector({1, infinity, 3});
          }) == "'model/c' [3] was saved with inf at element 1");
    CHECK(refused([](auto& s) {
              s.arrays["adam/running1/c"] = vector({1, 2, -infinity});
          }) == "'adam/running1/c' [3] was saved with -inf at element 2");
    CHECK(refused([](auto& s) { std::get<Tensor<double>>(s.arrays["adam/learning_rate"]).data()[0] = -1; }) ==
          "'adam': adam: learning_rate is -1; it must be in [0, inf)");
    CHECK(refused([](auto& s) {
              std::get<xt::xarray<std::int64_t>>(s.arrays["epoch"]).data()[0] = std::int64_t{1} << 40;
          }) == "'epoch' was saved with 1099511627776, which its type here cannot hold");
}

TEST_CASE("checkpoint: a training that failed is not saved") {
    Trained trained;
    trained.output.c.update()[1] = infinity;
    CHECK(text_of<std::invalid_argument>([&] { trained.checkpoint.state(); }) ==
          "checkpoint: 'model/c' [3] has inf at element 1; nothing was saved");

    TrainingRun<double> run(optimizer_named<double>("adam"));
    run.advance_to(3);
    const nn::NamedArrays saved = run.checkpoint.state();
    const optim::AveragedWeights<double> averaged(run.average());
    CHECK(text_of<std::logic_error>([&] { run.checkpoint.state(); }) ==
          "weight_average: the parameters hold their averages; take the state when the AveragedWeights has "
          "ended");
    CHECK(contains(text_of<std::logic_error>([&] { run.checkpoint.restore(saved); }),
                   "the parameters hold their averages"));
}

TEST_CASE("checkpoint: a parameter that is gone is no training's") {
    auto bias = std::make_unique<Parameter<double>>("c", vector({1, 2}));
    nn::Checkpoint<double> checkpoint;
    checkpoint.add("model", parameter_list(*bias));
    const nn::NamedArrays saved = checkpoint.state();
    bias.reset();
    CHECK(contains(text_of<std::logic_error>([&] { checkpoint.state(); }), "parameter 'c'"));
    CHECK(contains(text_of<std::logic_error>([&] { checkpoint.restore(saved); }), "parameter 'c'"));
}

TEST_CASE("checkpoint: other numbers of hidden units are refused, and nothing is half applied") {
    TrainingRun<double> wider(optimizer_named<double>("adam"), {.hidden = 4});
    TrainingRun<double> run(optimizer_named<double>("adam"));
    wider.advance_to(3);
    run.advance_to(20);
    const nn::NamedArrays before = wider.checkpoint.state();
    const std::string text =
        text_of<std::invalid_argument>([&] { wider.checkpoint.restore(run.checkpoint.state()); });
    for (const std::string name :
         {"'model/lstm/U'", "'model/output/V'", "'optimizer/running1/lstm/W'", "'average/weights/lstm/b'",
          "'state/0/1' was saved as [2, 3] and is [2, 4]"})
        CHECK_MESSAGE(contains(text, name), name, " is not in ", text);
    CHECK(difference(wider.checkpoint.state(), before) == "");
}
