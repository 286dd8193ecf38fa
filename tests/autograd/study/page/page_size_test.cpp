#include <fmt/format.h>
#include <unistd.h>
#include <autograd/autograd.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/page/compact.hpp>
#include <autograd/study/page/study_json.hpp>
#include <nn/nn.hpp>
#include <nn/study/states.hpp>
#include <tests/autograd/study/page/page_data.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

using namespace tapeloop;
using nlohmann::json;

namespace {

/// Writes five steps of a cell with all that a study page can have, and returns the page's bytes and its
/// data.
template <class Cell>
std::pair<std::uintmax_t, json> five_steps(const Cell& cell, const Parameter<double>& W) {
    nn::Generator generator(11);
    const nn::Linear<double> linear(6, 4, generator);
    Tape<double> tape({.fuse = false});
    const Var<double> x = input(nn::normal<double>({5, 2, 5}, 0, 1, generator)).named("x");
    const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
    const Var<double> losses = sum(square(linear(run.outputs) - 0.5), {1, 2});
    const Var<double> J = sum(losses).named("J");
    const Gradients<double> gradients = gradient(J, every_node(tape));
    StudyOptions options{.gates = {"input", "forget", "candidate", "output"}};
    options.ledgers.push_back(gradient_ledger(losses, W));
    options.spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / fmt::format("tapeloop_page_size_{}.html", getpid());
    write_study(tape, gradients, path, options);
    const std::uintmax_t bytes = std::filesystem::file_size(path);
    std::filesystem::remove(path);
    return {bytes, tapeloop::detail::study_json(tape, gradients, options)};
}

}  // namespace

TEST_CASE("write_study: a page of five steps takes less than 500 kB") {
    nn::Generator generator(3);
    const nn::LstmCell<double> lstm(5, 6, generator);
    const nn::ElmanCell<double> elman(5, 6, generator);
    CHECK(five_steps(lstm, lstm.W).first < 500'000);
    CHECK(five_steps(elman, elman.W).first < 500'000);
}

TEST_CASE("study page: its tables have all that the study has, in half the text") {
    nn::Generator generator(3);
    const nn::LstmCell<double> cell(5, 6, generator);
    const json whole = five_steps(cell, cell.W).second;
    const json compact = tapeloop::detail::compacted(whole);
    CHECK(2 * compact.dump().size() < whole.dump().size());
    const json again = tapeloop::test::expanded(compact);
    // What has no time step is null there, and left out here.
    REQUIRE(again["graph"]["nodes"].size() == whole["graph"]["nodes"].size());
    for (std::size_t k = 0; k < again["graph"]["nodes"].size(); ++k) {
        const json& node = again["graph"]["nodes"][k];
        for (const auto& [key, value] : whole["graph"]["nodes"][k].items()) {
            if (value.is_null()) continue;
            if (value.is_object())
                CHECK(node[key]["data"] == value["data"]);
            else
                CHECK(node[key] == value);
        }
    }
    REQUIRE(again["contributions"].size() == whole["contributions"].size());
    for (std::size_t k = 0; k < again["contributions"].size(); ++k) {
        const json& one = again["contributions"][k];
        for (const auto& [key, value] : whole["contributions"][k]["tensor"].items())
            CHECK(one["tensor"][key] == value);
        CHECK(one["input"] == whole["contributions"][k]["input"]);
    }
    CHECK(again["jacobians"]["list"].size() == whole["jacobians"]["list"].size());
    CHECK(tapeloop::test::rows_of(again["why"]["answers"]).size() == whole["why"]["answers"].size());
    CHECK(tapeloop::test::rows_of(again["equations"]).size() == whole["equations"].size());
}
