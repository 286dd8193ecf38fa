#include <tests/autograd/ops/onnx_counterparts.hpp>
#include <tests/autograd/ops/op_table.hpp>

#include <autograd/custom.hpp>
#include <autograd/elementwise.hpp>
#include <nn/layers/layer_norm.hpp>
#include <nn/layers/masked_softmax.hpp>
#include <nn/losses/losses.hpp>

#include <doctest/doctest.h>

#include <set>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

struct Said {
    std::set<std::string> with;
    std::set<std::string> without;
};

/// Asks each operation on the tape for its counterpart.
void ask(const Tape<double>& tape, Said& said) {
    for (NodeIndex index = 0; index < tape.size(); ++index) {
        const auto& node = tape.node(index);
        if (node.input_count == 0 || node.results == tapeloop::detail::result_mark) continue;
        std::vector<OnnxValue> inputs;
        for (const NodeIndex input : tape.inputs(index))
            inputs.push_back(OnnxValue::named("x", tape.node(input).shape));
        const bool has_one = static_cast<bool>(node.operation->onnx(inputs, 0));
        (has_one ? said.with : said.without).emplace(node.operation->name());
    }
}

/// Every row of the op table, and what the layers have besides; `map` by the operations that it is made of.
const Said& said_by_all() {
    static const Said all = [] {
        Said said;
        for (const Row& row : all_rows())
            for (std::size_t sample = 0; sample < row.samples.size(); ++sample) {
                const Tape<double> tape({.fuse = false});
                Vars<double> x;
                for (const Tensor<double>& argument : arguments_of(row, sample)) x.push_back(input(argument));
                row.call(x);
                ask(tape, said);
            }
        const Tape<double> tape;
        nn::standardise(input(filled({2, 3}, 1)));
        nn::masked_softmax(input(filled({2, 3}, 1)), input(filled({2, 3}, 1)));
        const Var<double> scores = input(filled({2, 3}, 1));
        nn::softmax_cross_entropy(scores, nn::Targets{1, 2});
        nn::sigmoid_cross_entropy(scores, filled({2, 3}, 2));
        nn::sigmoid_cross_entropy(scores, filled({2, 3}, 2), {.positive_weights = {2}});
        nn::mean_squared_error(scores, filled({2, 3}, 2));
        nn::mean_absolute_error(scores, filled({2, 3}, 2));
        nn::huber(scores, filled({2, 3}, 2));
        ask(tape, said);
        return said;
    }();
    return all;
}

}  // namespace

TEST_CASE("onnx: every operation says its counterpart, or is listed with the reason why it has none") {
    const std::set<std::string> names = names_of_all();
    CHECK(names.size() > 95);
    for (const std::string& name : names) {
        const bool has_one = said_by_all().with.contains(name) && !said_by_all().without.contains(name);
        if (!has_one && !without_counterpart.contains(name))
            FAIL_CHECK(
                name << " says no counterpart in ONNX (`onnx`, beside its value), nor why it has none");
        if (has_one && without_counterpart.contains(name)) FAIL_CHECK(name << " has a counterpart");
    }
    for (const auto& [name, reason] : without_counterpart) CHECK_MESSAGE(names.contains(name), name);
}

TEST_CASE("onnx: a custom operation says its counterpart, or none") {
    const auto cube = custom(
        "cube", [](const auto& x) { return x * x * x; },
        [](const auto& g, const auto&, const auto& x) { return 3 * g * x * x; });
    const auto counterpart = [](const auto& operation) {
        const Tape<double> tape;
        const NodeIndex node = operation(input(filled({2}, 1))).index();
        const std::array inputs{OnnxValue::named("x", {2})};
        return tape.node(node).operation->onnx(inputs, 0);
    };
    CHECK_FALSE(counterpart(cube));
    CHECK(counterpart(cube.onnx("Cube")).expression()->op == "Cube");
    const auto by_function = cube.onnx([](const OnnxValue& x) { return onnx_node("Pow", {x, 3.0}); });
    const OnnxValue value =
        counterpart(by_function.described({.equation = "y = x³", .rules = {{"x", "3 g ⊙ x²"}}}));
    CHECK(value.expression()->op == "Pow");
    CHECK(value.expression()->inputs.at(0).expression()->name == "x");
}
