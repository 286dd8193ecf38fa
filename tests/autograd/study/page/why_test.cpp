#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <autograd/study/derivation/equations.hpp>
#include <autograd/study/explain/answer.hpp>
#include <autograd/study/page/study_json.hpp>
#include <nn/nn.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <map>
#include <string>
#include <vector>

using namespace tapeloop;
using nlohmann::json;

namespace {

json study_of(Tape<double>& tape, const Var<double>& J, std::size_t largest_bytes = 32'000'000) {
    return tapeloop::detail::study_json(tape, gradient(J, every_node(tape)),
                                        {.largest_bytes = largest_bytes});
}

void check_answer(const json& why, NodeIndex node, const Explanation& expected) {
    const json& answer = why["answers"][std::to_string(node)];
    CHECK(answer["size"] == name_of(expected.size));
    CHECK(answer["sentence"] == tapeloop::detail::sentence_of(expected));
    const auto rows = tapeloop::detail::answer_rows(expected);
    REQUIRE(answer["rows"].size() == rows.size());
    for (std::size_t k = 0; k < rows.size(); ++k) {
        const json& row = answer["rows"][k];
        CHECK(why["texts"][row[0].get<std::size_t>()] == rows[k].text);
        CHECK(row[1].is_null() == !rows[k].decades.has_value());
        if (row[1].is_number()) CHECK(std::abs(row[1].get<double>() - rows[k].decades.value_or(0)) < 0.0051);
        CHECK(row[2].is_null() == !rows[k].node.has_value());
        if (rows[k].node.has_value()) CHECK(row[2] == *rows[k].node);
        CHECK(row[3] == rows[k].is_part);
    }
}

/// The nodes from J to one, as the page follows them.
std::vector<NodeIndex> path_to(const json& data, NodeIndex node) {
    const json& why = data["why"];
    std::map<NodeIndex, json> from;
    for (std::size_t k = 0; k < why["from"].size(); ++k)
        from[data["graph"]["nodes"][k]["id"].get<NodeIndex>()] = why["from"][k];
    const json& answer = why["answers"][std::to_string(node)];
    std::vector<NodeIndex> path{node};
    for (json at = answer.contains("from") ? answer["from"] : from[node]; !at.is_null();
         at = from[path.back()])
        path.push_back(at.get<NodeIndex>());
    return {path.rbegin(), path.rend()};
}

}  // namespace

TEST_CASE("study page: what explain says of every node, and the path") {
    nn::Generator generator(9);
    nn::LstmCell<double> cell(3, 4, generator);
    Tape<double> tape({.fuse = false});
    const Var<double> h0 = input(nn::normal<double>({2, 4}, 0, 1, generator)).named("h0");
    const Var<double> c0 = input(nn::normal<double>({2, 4}, 0, 1, generator)).named("c0");
    const auto run =
        nn::unroll(cell, nn::normal<double>({9, 2, 3}, 0, 1, generator), {h0, c0}, {.hoist = false});
    const Var<double> J = mean(square(run.state[0])).named("J");
    const json data = study_of(tape, J);
    CHECK(data["why"]["J"] == J.index());
    CHECK(data["why"]["answers"].size() == tape.size());
    const WrtList<double> parameters(cell.parameters());
    for (const Wrt<double>& of : parameters.list())
        check_answer(data["why"], *tape.find(of.parameter()), explain(J, of));
    for (const Var<double>& var : {h0, c0, run.outputs}) {
        const Explanation expected = explain(J, var);
        check_answer(data["why"], var.index(), expected);
        if (expected.path.empty()) continue;
        const std::vector<NodeIndex> path = path_to(data, var.index());
        REQUIRE(path.size() == expected.path.size() + 1);
        for (std::size_t k = 0; k < expected.path.size(); ++k) CHECK(path[k] == expected.path[k].node);
    }
}

TEST_CASE("study page: parameters and states are explained first where there is little room") {
    nn::Generator generator(9);
    nn::LstmCell<double> cell(3, 4, generator);
    Tape<double> tape({.fuse = false});
    const auto run = nn::unroll(cell, input(nn::normal<double>({9, 2, 3}, 0, 1, generator)));
    const Var<double> J = sum(run.outputs);
    const json data = study_of(tape, J, 64'000);
    CHECK(data["why"]["answers"].size() == 20);
    CHECK(data["equations"].is_null());
    const WrtList<double> parameters(cell.parameters());
    for (const Wrt<double>& of : parameters.list())
        CHECK(data["why"]["answers"].contains(std::to_string(*tape.find(of.parameter()))));
}

TEST_CASE("study page: no answers without one loss of one element") {
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{1, 2});
    const Var<double> y = x * 2.0;
    const GradientRoot<double> root{y, Tensor<double>{1, 1}};
    const json data = tapeloop::detail::study_json(tape, gradient({root}, every_node(tape)), StudyOptions{});
    CHECK(data["why"].is_null());
    CHECK(data["equations"].is_null());
}

TEST_CASE("study page: the equations of derivation for each node") {
    nn::Generator generator(2);
    const nn::ElmanCell<double> cell(1, 2, generator);
    Tape<double> tape({.fuse = false});
    const auto run =
        nn::unroll(cell, input(nn::normal<double>({3, 1, 1}, 0, 1, generator)).named("x"), {.hoist = false});
    const Var<double> J = sum(run.state).named("J");
    const json equations = study_of(tape, J)["equations"];
    const Derivation derived = derivation(J, {cell.W});
    const auto expected = tapeloop::detail::equations_of(derived.gradients, derived.options);
    const json& of_W = equations[std::to_string(*tape.find(cell.W.storage().get()))]["cotangent"];
    CHECK(of_W["left"] == "∂J/∂W");
    CHECK(of_W["sides"] == expected[0].sides);
    CHECK(of_W["sides"][0] == "Σₜ hₜ₋₁ᵀ ∂J/∂aₜ");
    const json& state = equations[std::to_string(run.state.index())];
    CHECK(state["value"]["left"] == "h₃");
    CHECK(state["value"]["sides"][0] == "tanh(a₃)");
    CHECK(state["cotangent"]["left"] == "∂J/∂h₃");
}
