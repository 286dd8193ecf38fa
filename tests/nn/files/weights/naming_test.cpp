#include <tests/expect.hpp>

#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/files/weights/weights.hpp>
#include <nn/generator.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// A user's cell with two gates in U, which others keep as rows in another order.
struct OwnCell {
    Parameter<double> U{"U", {{1, 2, 3, 4}, {5, 6, 7, 8}}};  // gates keep, renew of two columns each
    Parameter<double> W{"W", {{1, 2}, {3, 4}, {5, 6}}};
    Parameter<double> b{"b", {1, 2, 3, 4}};

    static constexpr std::array<std::string_view, 2> gate_names() { return {"keep", "renew"}; }
    ParameterList<double> parameters() { return parameter_list(U, W, b); }
};

Tensor<double> array_of(const nn::NamedArrays& arrays, const std::string& name) {
    return std::get<Tensor<double>>(arrays.arrays.at(name));
}

std::vector<std::string> names_of(const nn::Naming<double>& naming) {
    std::vector<std::string> names;
    for (const auto& array : naming) names.push_back(array.name());
    return names;
}

std::string refusal(const std::function<void()>& f) { return text_of<std::invalid_argument>(f); }

}  // namespace

TEST_CASE("naming: a table for a user's own cell") {
    OwnCell cell;
    nn::Arrangement rows = nn::gate_order(cell.gate_names(), {"renew", "keep"});
    rows.transposed = true;
    nn::Naming<double> theirs;
    theirs.add("input", cell.U, rows).add("recurrent", cell.W, nn::transposed);
    theirs.add("renew_bias", {cell.b, cell.gate_names(), "renew"});
    theirs.add("keep_bias", {cell.b, cell.gate_names(), "keep"});
    nn::NamedArrays arrays = nn::named_arrays(theirs);
    CHECK(array_of(arrays, "input") == Tensor<double>{{3, 7}, {4, 8}, {1, 5}, {2, 6}});
    CHECK(array_of(arrays, "recurrent") == Tensor<double>{{1, 3, 5}, {2, 4, 6}});
    CHECK(array_of(arrays, "renew_bias") == Tensor<double>{3, 4});
    CHECK(array_of(arrays, "keep_bias") == Tensor<double>{1, 2});

    arrays.arrays["input"] = Tensor<double>{{30, 70}, {40, 80}, {10, 50}, {20, 60}};
    arrays.arrays["keep_bias"] = Tensor<double>{10, 20};
    nn::load(arrays, theirs);
    CHECK(cell.U.value() == Tensor<double>{{10, 20, 30, 40}, {50, 60, 70, 80}});
    CHECK(cell.b.value() == Tensor<double>{10, 20, 3, 4});
}

TEST_CASE("naming: an array that is put together from several parameters") {
    OwnCell cell;
    nn::OutsideArray<double> all("all", {5, 4});
    all.put(cell.U, {})
        .put(cell.W, {.row = 2})
        .put({cell.b, cell.gate_names(), "keep"}, {.row = 2, .column = 2});
    Parameter<double> rest("rest", {{1, 2}, {3, 4}});
    all.put(rest, {.row = 3, .column = 2, .transposed = true});
    Parameter<double> other("other", {7, 8});
    nn::Naming<double> naming;
    naming.add(all).add("other", {cell.b, cell.gate_names(), "renew"});
    const Tensor<double> whole{{1, 2, 3, 4}, {5, 6, 7, 8}, {1, 2, 1, 2}, {3, 4, 1, 3}, {5, 6, 2, 4}};
    CHECK(array_of(nn::named_arrays(naming), "all") == whole);
    nn::NamedArrays arrays = nn::named_arrays(naming);
    arrays.arrays["all"] = Tensor<double>(whole * 10);
    nn::load(arrays, naming);
    CHECK(rest.value() == Tensor<double>{{10, 20}, {30, 40}});
    CHECK(cell.W.value() == Tensor<double>{{10, 20}, {30, 40}, {50, 60}});
    CHECK(cell.b.value() == Tensor<double>{10, 20, 3, 4});
}

TEST_CASE("naming: a bias twice, whose parts are added up") {
    OwnCell cell;
    nn::Naming<double> naming;
    naming.add("U", cell.U).add("W", cell.W).add("second", cell.b, {.is_second = true}).add("first", cell.b);
    CHECK(array_of(nn::named_arrays(naming), "first") == Tensor<double>{1, 2, 3, 4});
    CHECK(array_of(nn::named_arrays(naming), "second") == Tensor<double>{0, 0, 0, 0});
    nn::NamedArrays arrays = nn::named_arrays(naming);
    arrays.arrays["second"] = Tensor<double>{10, 20, 30, 40};
    nn::load(arrays, naming);
    CHECK(cell.b.value() == Tensor<double>{11, 22, 33, 44});
}

TEST_CASE("naming: prefixes, separators, and other names") {
    OwnCell cell;
    nn::Naming<double> ours = cell.parameters();
    CHECK(names_of(ours) == std::vector<std::string>{"U", "W", "b"});
    nn::Naming<double> dots;
    dots.add("U", cell.U);
    nn::Naming<double> model;
    model.add("encoder", dots).add("decoder", ours);
    CHECK(names_of(model) == std::vector<std::string>{"encoder.U", "decoder/U", "decoder/W", "decoder/b"});
    nn::Naming<double> whole;
    whole.add("own", ours);  // it was empty, and now has the separator of the paths
    nn::Naming<double> outer;
    outer.add("model", whole);
    CHECK(names_of(outer) == std::vector<std::string>{"model/own/U", "model/own/W", "model/own/b"});
    outer.rename([](const std::string& name) { return name + ":0"; });
    CHECK(names_of(outer) == std::vector<std::string>{"model/own/U:0", "model/own/W:0", "model/own/b:0"});
    CHECK(contains(refusal([&] { outer.rename([](const std::string&) { return "same"; }); }),
                   "two arrays are called `same`"));
    CHECK(names_of(outer).front() == "model/own/U:0");
}

TEST_CASE("naming: it follows a cell that is moved") {
    nn::Generator generator(1);
    auto cell = std::make_unique<nn::LstmCell<double>>(2, 3, generator);
    const nn::Naming<double> naming = cell->parameters();
    nn::LstmCell<double> moved = std::move(*cell);
    cell.reset();
    nn::NamedArrays arrays = nn::named_arrays(naming);
    arrays.arrays["b"] = nn::zeros<double>({12});
    nn::load(arrays, naming);
    CHECK(moved.b.value() == nn::zeros<double>({12}));
}

TEST_CASE("naming: what does not fit together is refused") {
    OwnCell cell;
    nn::Naming<double> naming;
    naming.add("U", cell.U);
    CHECK(refusal([&] { naming.add("U", cell.W); }) ==
          "Naming: two arrays are called `U`; add the parts of a model under different prefixes");
    ParameterList<double> list = cell.parameters();
    list.add(cell.U);
    CHECK(contains(refusal([&] { const nn::Naming<double> twice = list; }), "two arrays are called `U`"));
    nn::Naming<double> part = parameter_list(cell.W);
    naming.add("part", part);
    CHECK(contains(refusal([&] { naming.add("part", part); }), "`part/W`"));
    CHECK(naming.size() == 2);

    CHECK(refusal([&] {
              naming.add("gate", {cell.b, cell.gate_names(), "reset"});
          }) == "Naming: there is no gate `reset`; the gates are keep, renew");
    const std::array<std::string_view, 3> three{"a", "b", "c"};
    CHECK(refusal([&] {
              naming.add("gate", {cell.b, three, "a"});
          }) == "Naming: parameter `b` is [4]; its last axis must hold 3 gates of one size");
    CHECK(contains(refusal([&] {
                       naming.add("b", cell.b, nn::gate_order(three, {"c", "b", "a"}));
                   }),
                   "its last axis must hold 3 gates of one size"));
    CHECK(refusal([&] {
              nn::gate_order(three, {"a", "b"});
          }) == "gate_order: a, b are not the gates a, b, c in another order");
    CHECK(refusal([&] { nn::gate_order(three, {"a", "b", "b"}); }) != "");
    CHECK(refusal([&] { nn::gate_order(three, {"a", "b", "c", "a"}); }) != "");

    nn::OutsideArray<double> array("array", {2, 6});
    array.put(cell.U, {});
    CHECK(refusal([&] { array.put(cell.U, {.column = 3}); }) ==
          "Naming: `array` is [2, 6]; parameter `U`, which is [2, 4] there, does not fit in at 0, 3");
    CHECK(contains(refusal([&] { array.put(cell.W, {.column = 4}); }), "which is [3, 2] there"));
    CHECK(contains(refusal([&] {
                       array.put({cell.U, cell.gate_names(), "keep"}, {.column = 3});
                   }),
                   "in `array` parameters `U` and `U` lie in the same place"));
    CHECK(refusal([&] { naming.add(array); }) ==
          "Naming: `array` is [2, 6], and parts of it belong to no parameter");
    Parameter<double> cube("cube", nn::zeros<double>({2, 2, 2}));
    CHECK(
        contains(refusal([&] { naming.add("cube", cube, nn::transposed); }), "only a matrix is transposed"));
}

TEST_CASE("naming: every column of a parameter is in one array") {
    OwnCell cell;
    nn::Naming<double> half;
    half.add("keep", {cell.b, cell.gate_names(), "keep"});
    CHECK(refusal([&] { nn::named_arrays(half); }) ==
          "named_arrays: column 2 of parameter `b`, which is [4], is in 0 arrays of the naming; it must be "
          "in one");
    CHECK(contains(refusal([&] { nn::save("never.safetensors", half); }), "save: column 2 of parameter `b`"));
    nn::Naming<double> twice;
    twice.add("b", cell.b).add("keep", {cell.b, cell.gate_names(), "keep"});
    CHECK(contains(refusal([&] { nn::load(nn::NamedArrays(), twice); }), "load: column 0 of parameter `b`"));
    nn::Naming<double> second;
    second.add("b", cell.b, {.is_second = true});
    CHECK(contains(refusal([&] { nn::named_arrays(second); }), "is in 0 arrays"));
}
