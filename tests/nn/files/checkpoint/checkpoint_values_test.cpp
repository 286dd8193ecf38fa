#include <tests/expect.hpp>
#include <tests/nn/files/checkpoint/training.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// What becomes of a value of type To that a value of type From is put into.
template <class To, class From>
To taken(From from) {
    nn::Checkpoint<float> before;
    before.add("value", from);
    To to{};
    nn::Checkpoint<float> after;
    after.add("value", to);
    after.restore(before.state());
    return to;
}
template <class V>
void check_kept(const V& value) {
    CHECK(taken<V, V>(value) == value);
}
template <class To, class From>
std::string refused(From from) {
    return text_of<std::invalid_argument>([&] { taken<To>(from); });
}

}  // namespace

TEST_CASE("checkpoint: values of the user's come back as they were") {
    check_kept(true);
    check_kept(-5);
    check_kept(std::numeric_limits<std::uint64_t>::max());
    check_kept(std::numeric_limits<std::int64_t>::min());
    check_kept(static_cast<unsigned char>(200));
    check_kept(0.1F);
    check_kept(std::numeric_limits<double>::denorm_min());
    check_kept(-std::numeric_limits<double>::infinity());
    check_kept(std::string("Grüße\n\"\\\0end", 14));
    check_kept(std::string("\xff\x00 no UTF-8 \xc3", 13));
    check_kept(std::string());
    check_kept(std::vector<bool>{true, false, true});
    check_kept(std::vector<std::size_t>{3, 1, 2});
    check_kept(std::vector<short>{});
    check_kept(std::vector<float>{0.1F, -0.0F});
    check_kept(std::vector<std::string>{"a", "", "\xfe"});
    check_kept(std::vector<std::string>{});
    CHECK(std::isnan(taken<double>(std::numeric_limits<double>::quiet_NaN())));
    CHECK(std::signbit(taken<double>(-0.0)));
}

TEST_CASE("checkpoint: an integer may have another type, where it fits") {
    CHECK(taken<std::int64_t>(7U) == 7);
    CHECK(taken<unsigned>(std::int64_t{7}) == 7);
    CHECK(taken<std::vector<int>>(std::vector<std::size_t>{1, 2}) == std::vector<int>{1, 2});
    CHECK(contains(refused<unsigned>(-1), "'value' was saved with -1, which its type here cannot hold"));
    CHECK(contains(refused<short>(40000), "40000"));
    CHECK(contains(refused<std::vector<short>>(std::vector<int>{1, 40000}), "40000"));
    CHECK(contains(refused<int>(0.5), "'value' was saved as 'double' and is integer here"));
    CHECK(contains(refused<float>(0.5), "'value' was saved as 'double' and is float here"));
    CHECK(contains(refused<bool>(1), "'value' was saved as 'integer' and is bool here"));
    CHECK(contains(refused<std::vector<int>>(1), "was saved as 'integer' and is list of integer here"));
    CHECK(contains(refused<std::string>(std::vector<std::string>{"a"}), "'list of text' and is text here"));
}

TEST_CASE("checkpoint: names are of their own") {
    nn::Checkpoint<double> checkpoint;
    double value = 0;
    const auto refused = [&](const std::string& name) {
        return text_of<std::invalid_argument>([&] { checkpoint.add(name, value); });
    };
    checkpoint.add("train/rate", value);
    checkpoint.add("training", value);
    checkpoint.add("t", value);
    CHECK(refused("train/rate") ==
          "checkpoint: the name 'train/rate' is taken by 'train/rate'; give each its own");
    CHECK(contains(refused("train"), "is taken by 'train/rate'"));
    CHECK(contains(refused("training/a"), "is taken by 'training'"));
    CHECK(contains(refused(""), "'' is no name"));
    CHECK(contains(refused("\xff"), "is no name"));
    CHECK(contains(refused("__metadata__"), "is no name"));
    Parameter<double> one("p", vector({1}));
    Parameter<double> two("p", vector({2}));
    CHECK(text_of<std::invalid_argument>([&] { checkpoint.add("model", parameter_list(one, two)); }) ==
          "checkpoint: there are two of the name 'model/p'; give each its own");
    Parameter<double> latin("caf\xe9", vector({2}));
    CHECK(contains(text_of<std::invalid_argument>([&] { checkpoint.add("model", parameter_list(latin)); }),
                   "is not UTF-8"));
    checkpoint.add("model", parameter_list(one, one));
    CHECK(checkpoint.state().arrays.size() == 4);
}

TEST_CASE("checkpoint: carried states of any structure, scalars and what has no elements") {
    using State = std::tuple<Tensor<double>, std::vector<std::array<Tensor<double>, 2>>,
                             std::pair<Tensor<double>, std::vector<Tensor<double>>>>;
    const auto state_of = [](double x, std::size_t layers) {
        const Tensor<double> h = filled({2, 3}, x);
        return State{h, std::vector(layers, std::array{h, filled({2, 1}, -x)}),
                     std::pair{filled({}, x), std::vector{filled({0, 4}, x)}}};
    };
    State saved = state_of(1, 2);
    State here = state_of(2, 2);
    State deeper = state_of(3, 3);
    nn::Checkpoint<double> from;
    nn::Checkpoint<double> to;
    nn::Checkpoint<double> to_deeper;
    from.add("state", saved);
    to.add("state", here);
    to_deeper.add("state", deeper);
    CHECK(from.state().arrays.contains("state/1/1/0"));
    to.restore(from.state());
    CHECK(here == saved);
    CHECK(contains(text_of<std::invalid_argument>([&] { to_deeper.restore(from.state()); }),
                   "changed:\n  'state/1/2/0' [2, 3] was not saved\n  'state/1/2/1' [2, 1] was not saved"));
    CHECK(contains(text_of<std::invalid_argument>([&] { from.restore(to_deeper.state()); }),
                   "'state/1/2/0' [2, 3] was saved and is not here"));
    CHECK(deeper == state_of(3, 3));
    Tensor<double> alone = filled({2}, 1);
    nn::Checkpoint<double> single;
    single.add("state", alone);
    CHECK(single.state().arrays.contains("state"));
}

TEST_CASE("checkpoint: parameters are followed where they go, and the order of what is added is free") {
    nn::Generator generator(1);
    auto output = std::make_unique<nn::Linear<double>>(2, 3, generator);
    int epoch = 4;
    nn::Checkpoint<double> checkpoint;
    checkpoint.add("model", output->parameters());
    checkpoint.add("epoch", epoch);
    const nn::Linear<double> moved = std::move(*output);
    output.reset();
    const nn::NamedArrays saved = checkpoint.state();
    nn::Linear<double> other(2, 3, generator);
    int other_epoch = 0;
    nn::Checkpoint<double> reordered;
    reordered.add("epoch", other_epoch);
    reordered.add("model", other.parameters());
    reordered.restore(saved);
    CHECK(other_epoch == 4);
    check_same_bits(other.V.value(), moved.V.value());
}
