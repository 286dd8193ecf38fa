#include <tests/expect.hpp>

#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/page/json.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using nlohmann::json;

/// The elements of a tensor's grid, decoded bit by bit.
std::vector<float> elements(const json& tensor) {
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::vector<bool> bits;
    for (char c : tensor["data"].get<std::string>()) {
        if (c == '=') break;
        const std::size_t value = digits.find(c);
        REQUIRE(value != std::string::npos);
        for (std::size_t bit = 6; bit-- > 0;) bits.push_back((value >> bit & 1U) == 1);
    }
    std::vector<float> found;
    for (std::size_t start = 0; start + 32 <= bits.size(); start += 32) {
        std::uint32_t word = 0;
        for (std::size_t byte = 0; byte < 4; ++byte)
            for (std::size_t bit = 0; bit < 8; ++bit)
                if (bits[start + 8 * byte + bit]) word |= 1U << (8 * byte + 7 - bit);
        float value = 0;
        std::memcpy(&value, &word, sizeof value);
        found.push_back(value);
    }
    return found;
}

json value_json(const Tensor<double>& value, const JsonOptions& options = {}) {
    Tape<double> tape;
    input(value);
    return json::parse(to_json(read_graph(tape, {.values = true}), options))["nodes"][0]["value"];
}

}  // namespace

TEST_CASE("graph json: a node has what was recorded, and leaves out what it has not") {
    const Parameter<double> W("W", vector({2, 3}));
    Tape<double> tape;
    const LabelScope<double> layer("decoder");
    const LabelScope<double> step(3);
    const LabelScope<double> part("attention");
    const Var<double> x = input(vector({5, 7}));
    const auto line = CallSite::current().line() + 1;
    const Var<double> y = sum(x * W, 0).named("y");
    detach(y);
    const json read = json::parse(to_json(read_graph(tape)));
    CHECK(read["format"] == "tapeloop graph");
    CHECK(read["version"] == 1);
    REQUIRE(read["nodes"].size() == 5);
    CHECK(read["nodes"][3] == json{{"id", 3},
                                   {"kind", "operation"},
                                   {"op", "sum"},
                                   {"arguments", "axis 0"},
                                   {"name", "y"},
                                   {"shape", json::array()},
                                   {"inputs", {2}},
                                   {"module", "decoder/attention"},
                                   {"time", 3},
                                   {"label", "decoder/t=3/attention"},
                                   {"file", "graph_json_test.cpp"},
                                   {"line", line}});
    CHECK(read["nodes"][1]["kind"] == "parameter");
    CHECK(read["nodes"][1]["name"] == "W");
    CHECK(read["nodes"][1]["time"].is_null());
    CHECK(read["nodes"][1]["label"] == "decoder/attention");
    CHECK(read["nodes"][2]["inputs"] == json{0, 1});
    CHECK(read["nodes"][4]["kind"] == "detached");
    CHECK(read["nodes"][4]["detached_from"] == 3);
    CHECK(read["nodes"][4]["inputs"].empty());
}

TEST_CASE("graph json: a slice keeps its ids") {
    Tape<double> tape;
    const Var<double> x = input(vector({1}));
    const LabelScope<double> layer("layer");
    exp(x);
    const json read = json::parse(to_json(read_graph(tape).labelled("layer")));
    REQUIRE(read["nodes"].size() == 1);
    CHECK(read["nodes"][0]["id"] == 1);
    CHECK(read["nodes"][0]["inputs"] == json{0});
    CHECK(json::parse(to_json(Graph()))["nodes"].empty());
}

TEST_CASE("graph json: values and cotangents, float and double") {
    Tape<float> tape;
    const Var<float> x = input(rounded<float>(tensor({1, 2}, {3, -4})));
    const auto [p, q] = map([](auto v) { return std::tuple{v * v, 5 * v}; }, x);
    const Var<float> J = sum(p);
    const json read = json::parse(to_json(read_graph(tape, gradient(J, every_node(tape)), {.values = true})));
    const json& first = read["nodes"][0];
    CHECK(first["value"]["shape"] == json{1, 2});
    CHECK(first["value"]["grid"] == json{1, 2});
    CHECK(first["value"]["min"] == -4);
    CHECK(first["value"]["max"] == 3);
    CHECK(first["value"]["norm"] == 5);
    CHECK(elements(first["value"]) == std::vector<float>{3, -4});
    CHECK(elements(first["cotangent"]) == std::vector<float>{6, -8});
    CHECK(!read["nodes"][1].contains("value"));
    CHECK(read["nodes"][1]["op"] == "map");
    CHECK(read["nodes"][2]["kind"] == "result");
}

TEST_CASE("graph json: large tensors are averaged over blocks that keep the mean") {
    Random random("grid");
    for (const Shape& shape : {Shape{7, 9, 50}, Shape{100, 3}, Shape{1, 97}, Shape{48, 48}, Shape{200}}) {
        CAPTURE(shape.text());
        const Tensor<double> value = random.tensor(shape);
        const json read = value_json(value);
        const std::size_t columns = shape.back();
        const std::size_t rows = shape.size() / columns;
        const std::size_t r = std::min<std::size_t>(rows, 48);
        const std::size_t c = std::min<std::size_t>(columns, 48);
        CHECK(read["grid"] == json{r, c});
        const std::vector<float> cells = elements(read);
        REQUIRE(cells.size() == r * c);
        // Every element counts in the cell that its place falls into.
        std::vector<double> sums(r * c, 0);
        std::vector<double> counts(r * c, 0);
        const auto cell_of = [](std::size_t at, std::size_t extent, std::size_t count) {
            std::size_t cell = 0;
            while ((cell + 1) * extent / count <= at) ++cell;
            return cell;
        };
        for (std::size_t i = 0; i < shape.size(); ++i) {
            const std::size_t cell = cell_of(i / columns, rows, r) * c + cell_of(i % columns, columns, c);
            sums[cell] += value.data()[i];
            ++counts[cell];
        }
        for (std::size_t cell = 0; cell < r * c; ++cell)
            CHECK(cells[cell] == doctest::Approx(sums[cell] / counts[cell]).epsilon(1e-6));
    }
    CHECK(value_json(random.tensor({20, 30}), {.largest_grid = 8})["grid"] == json{8, 8});
    CHECK(text_of<std::invalid_argument>([] { to_json(Graph(), {.largest_grid = 0}); }) ==
          "to_json: largest_grid is 0; it must be at least 1");
}

TEST_CASE("graph json: what JSON has no numbers for, tiny and huge values, and tensors without elements") {
    constexpr double inf = std::numeric_limits<double>::infinity();
    const json infinite = value_json(vector({1, inf, -inf}));
    CHECK(infinite["min"] == "-inf");
    CHECK(infinite["max"] == "inf");
    CHECK(elements(infinite)[1] == std::numeric_limits<float>::infinity());
    const json undefined = value_json(vector({1, std::nan(""), 3}));
    CHECK(undefined["max"] == "nan");
    CHECK(std::isnan(elements(undefined)[1]));
    CHECK(elements(undefined)[2] == 3);
    const json tiny = value_json(vector({1e-200, -2e-200}));
    CHECK(tiny["min"] == -2e-200);
    CHECK(elements(tiny)[0] * tiny["scale"].get<double>() == doctest::Approx(1e-200));
    CHECK(value_json(tensor({}, {7}))["shape"].empty());
    CHECK(elements(value_json(tensor({}, {7}))) == std::vector<float>{7});
    CHECK(value_json(filled({0, 3}, 0))["data"] == "");
    CHECK(value_json(filled({3, 0}, 0))["grid"] == json{0, 0});
}

TEST_CASE("graph json: the norm of what has squares out of range") {
    CHECK(value_json(vector({3e-200, -4e-200}))["norm"].get<double>() * 1e200 == doctest::Approx(5));
    CHECK(value_json(vector({3e200, -4e200}))["norm"].get<double>() * 1e-200 == doctest::Approx(5));
    CHECK(value_json(vector({1, std::nan("")}))["norm"] == "nan");
    CHECK(value_json(vector({1, -std::numeric_limits<double>::infinity()}))["norm"] == "inf");
}

TEST_CASE("graph json: a name that is not UTF-8 does not spoil the rest") {
    Tape<double> tape;
    input(vector({1})).named("a\xff\"\\\n");
    const json read = json::parse(to_json(read_graph(tape)));
    CHECK(read["nodes"][0]["name"] == "a\xef\xbf\xbd\"\\\n");
}
