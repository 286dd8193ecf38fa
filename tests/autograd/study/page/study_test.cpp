#include <fmt/format.h>
#include <unistd.h>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/page/write_study.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <tests/autograd/study/page/page_data.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>

using namespace tapeloop;
using nlohmann::json;

namespace {

/// A folder of this process, for ctest runs several at once; it goes with the test.
class Folder {
  public:
    Folder()
        : path_(std::filesystem::temp_directory_path() / fmt::format("tapeloop_study_test_{}", getpid())) {
        std::filesystem::remove_all(path_);
        std::filesystem::create_directory(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

std::string read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

json data_of(const std::string& page) {
    const std::string mark = "<script type=\"application/json\" id=\"study\">";
    const std::size_t begin = page.find(mark) + mark.size();
    return tapeloop::test::expanded(json::parse(page.substr(begin, page.find("</script>", begin) - begin)));
}

std::vector<double> elements(const json& tensor) {
    const std::string text = tensor["data"];
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::vector<std::uint8_t> bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (char digit : text) {
        if (digit == '=') break;
        bits = bits << 6U | static_cast<std::uint32_t>(digits.find(digit));
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<std::uint8_t>(bits >> static_cast<unsigned>(count)));
    }
    std::vector<double> values;
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
        float value = 0;
        std::memcpy(&value, &bytes[i], 4);
        values.push_back(static_cast<double>(value) * tensor.value("scale", 1.0));
    }
    if (!tensor.contains("at")) return values;
    // Those that are not 0, each so far behind the one before it.
    std::vector<double> all(tensor["grid"][0].get<std::size_t>() * tensor["grid"][1].get<std::size_t>());
    std::size_t place = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
        place += tensor["at"][k].get<std::size_t>();
        all.at(place) = values[k];
    }
    return all;
}

std::size_t count(const std::string& text, std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

template <class T>
json study_of_lstm(const std::filesystem::path& path, std::size_t time_steps, std::size_t hidden,
                   const StudyOptions& options = {}) {
    nn::Generator generator(9);
    nn::LstmCell<T> cell(3, hidden, generator);
    Tape<T> tape({.fuse = false});
    const Var<T> outputs =
        nn::unroll(cell, Tensor<T>(xt::ones<T>({time_steps, std::size_t{2}, std::size_t{3}})),
                   {.hoist = false})
            .outputs;
    const Var<T> J = sum(outputs * outputs);
    const Gradients<T> gradients = gradient(J, every_node(tape));
    write_study(tape, gradients, path, options);
    json data = data_of(read(path));
    CHECK(data["graph"]["nodes"].size() == tape.size());

    // Values and cotangents of every node, as far as float32 holds them.
    for (const json& node : data["graph"]["nodes"]) {
        const auto index = node["id"].get<NodeIndex>();
        if (tape.node(index).data == nullptr) continue;
        const auto same = [&](const char* name, const Tensor<T>& expected) {
            const std::vector<double> shown = elements(node[name]);
            if (hidden > 12) return;  // averaged: more than 48 columns
            REQUIRE(shown.size() == expected.size());
            for (std::size_t i = 0; i < shown.size(); ++i)
                CHECK(shown[i] == doctest::Approx(static_cast<double>(expected.data()[i])).epsilon(1e-6));
        };
        same("value", tape.var(index).value());
        same("cotangent", gradients[tape.var(index)]);
    }
    const Tensor<T>& by_W = gradients[tape.var(*tape.find(cell.W.storage().get()))];
    double squares = 0;
    for (T element : by_W) squares += static_cast<double>(element) * static_cast<double>(element);
    for (const json& node : data["graph"]["nodes"])
        if (node.value("name", "") == "W")
            CHECK(node["cotangent"]["norm"].get<double>() == doctest::Approx(std::sqrt(squares)));
    return data;
}

}  // namespace

TEST_CASE_TEMPLATE("write_study: nodes, values and plots of an LSTM", T, float, double) {
    const Folder folder;
    GradientLedger ledger;
    ledger.parameter = "W";
    ledger.losses = {0, 1};
    ledger.uses = {{0, {}, {}}, {std::nullopt, {}, {}}};
    ledger.norms = Tensor<double>{{1, 0}, {2, 3}};
    JacobianSpectrum spectrum{};
    spectrum.steps = {{1, {2, 1}, 1.5, 2, 0.5, 0.25}};
    spectrum.products = {{1, {std::log(100.0), -std::numeric_limits<double>::infinity()}, 0, 0}};
    spectrum.exponents = {-0.5};
    const json data = study_of_lstm<T>(folder / "page.html", 3, 4,
                                       {.title = "A <title> & more",
                                        .gates = {"input", "forget", "candidate", "output"},
                                        .steps = {"h", "e", "\n"},
                                        .ledgers = {ledger},
                                        .spectrum = spectrum});
    CHECK(data["title"] == "A <title> & more");
    CHECK(data["scalar"] == (sizeof(T) == 4 ? "float" : "double"));
    const std::vector<double> decades = elements(data["ledgers"][0]["decades"]);
    CHECK(data["ledgers"][0]["decades"]["grid"] == json::parse("[2,2]"));
    CHECK(decades.at(0) == 0);
    CHECK(decades.at(1) == -std::numeric_limits<double>::infinity());
    CHECK(decades.at(3) == doctest::Approx(std::log10(3.0)));
    CHECK(data["ledgers"][0]["uses"] == json::parse("[0,null]"));
    CHECK(data["spectrum"]["steps"][0]["spectral_radius"] == 1.5);
    CHECK(data["spectrum"]["steps"][0]["bound"] == 1.25);
    CHECK(data["spectrum"]["products"][0]["decades"] == json::parse("[2.0,\"-inf\"]"));
    CHECK(data["spectrum"]["exponents"][0] == -0.5);
    CHECK(data["spectrum"]["row"] == 0);
    CHECK(data["steps"] == json::parse(R"(["h","e","\n"])"));
    CHECK(data["saturation"].size() == 5);
    std::map<std::string, std::string> roles;
    for (const json& gate : data["saturation"]) {
        roles[gate["gate"]] = gate["role"];
        CHECK(gate["mean"].size() == 3);
        CHECK(gate["low"].size() == 3);
        CHECK(gate["high"].size() == 3);
    }
    CHECK(roles["forget"] == "keep");
    // Each gate of a step has its name, and what the next step takes has its letter.
    std::map<std::string, std::size_t> gates;
    std::map<std::string, std::size_t> states;
    for (const json& node : data["graph"]["nodes"]) {
        if (node.contains("gate")) ++gates[node["gate"]];
        if (node.contains("state")) ++states[node["state"]];
    }
    for (const char* gate : {"input", "forget", "candidate", "output"}) CHECK(gates[gate] == 3);
    CHECK(states == std::map<std::string, std::size_t>{{"h", 2}, {"c", 2}});
    CHECK(data["roots"].size() == 1);

    // W is used in each of the three steps, and in the first for a state of zeros.
    for (const json& norms : data["gradient_norms"]) {
        CHECK(norms["by_step"].size() == 3);
        if (norms["parameter"] == "W") CHECK(norms["by_step"][0] == 0.0);
        CHECK(norms["by_step"][2] > 0.0);
    }
    CHECK(data["gradient_norms"].size() == 3);
    CHECK(data["used_outside_steps"].empty());
    CHECK(data["jacobians"]["list"].size() > 50);

    const std::string page = read(folder / "page.html");
    CHECK(page.find("<title>A &lt;title> &amp; more</title>") != std::string::npos);
    CHECK(page.find("{{title}}") == std::string::npos);
    CHECK(page.find("d3-zoom 3.0.0 (ISC)") != std::string::npos);
    CHECK(count(page, "src=") == 0);
    CHECK(count(page, "<link") == 1);  // an empty icon
}

TEST_CASE("write_study: data cannot end its script element and numbers that are none are words") {
    const Folder folder;
    const double infinity = std::numeric_limits<double>::infinity();
    std::size_t scripts = 0;
    for (const std::string name : {"harmless", "</script><!--<script>\xff\""}) {
        Tape<double> tape;
        const Var<double> x = input(Tensor<double>{std::nan(""), infinity, -infinity, 1e-200}).named(name);
        const Var<double> J = sum(x * Tensor<double>{0, 0, 0, 1});
        write_study(tape, gradient(J, every_node(tape)), folder / "page.html", {.title = name});
        const std::string page = read(folder / "page.html");
        if (scripts == 0) scripts = count(page, "<script");
        CHECK(count(page, "<script") == scripts);
        const json value = data_of(page)["graph"]["nodes"][0]["value"];
        CHECK(value["min"] == "nan");
        CHECK(std::isnan(elements(value)[0]));
        CHECK(elements(value)[1] == infinity);
    }
}

TEST_CASE("write_study: tiny and huge values keep their digits") {
    const Folder folder;
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{1.25e-200, -5e-201, 0});
    const Var<double> y = x * 1e300 * 1e200;
    const Var<double> J = sum(y);
    write_study(tape, gradient(J, every_node(tape)), folder / "page.html");
    const json nodes = data_of(read(folder / "page.html"))["graph"]["nodes"];
    CHECK(elements(nodes[0]["value"])[0] == doctest::Approx(1.25e-200).epsilon(1e-6));
    CHECK(elements(nodes[0]["value"])[1] == doctest::Approx(-5e-201).epsilon(1e-6));
    CHECK(elements(nodes[y.index()]["value"])[0] == doctest::Approx(1.25e300).epsilon(1e-6));
}

TEST_CASE("write_study: norms by time step of tiny contributions") {
    const Folder folder;
    const Parameter<double> W("W", Tensor<double>{1, 1});
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{3e-200, 4e-200});
    const Var<double> J = [&] {
        const LabelScope<double> step(0);
        return sum(x * W);
    }();
    write_study(tape, gradient(J, every_node(tape)), folder / "page.html");
    const json norms = data_of(read(folder / "page.html"))["gradient_norms"];
    CHECK(norms[0]["by_step"][0].get<double>() * 1e200 == doctest::Approx(5));
}

TEST_CASE("write_study: parameters of one name get their module or else their place") {
    const Folder folder;
    const Parameter<double> W("W", Tensor<double>{1, 2});
    const Parameter<double> V("V", Tensor<double>{1, 2});
    const Parameter<double> lower("W", Tensor<double>{3, 1});
    const Parameter<double> upper("W", Tensor<double>{2, 2});
    Tape<double> tape;
    const auto used_in = [](const Parameter<double>& parameter, const std::string& module) {
        const LabelScope<double> label(module);
        const LabelScope<double> step(0);
        return square(parameter);
    };
    const Var<double> early = sum(square(V)) + sum(used_in(W, "lower"));
    const Var<double> losses = used_in(lower, "lower") + used_in(upper, "upper") + used_in(V, "upper");
    StudyOptions options;
    for (const Parameter<double>* parameter : {&W, &upper, &V})
        options.ledgers.push_back(
            gradient_ledger(parameter == &W ? early * Tensor<double>{1} : losses, *parameter));
    const Var<double> J = early + sum(losses);
    write_study(tape, gradient(J, every_node(tape)), folder / "page.html", options);
    const json data = data_of(read(folder / "page.html"));
    const std::string first = fmt::format("lower/W #{}", *tape.find(W.storage().get()));
    CHECK(data["ledgers"][0]["parameter"] == first);
    CHECK(data["ledgers"][1]["parameter"] == "upper/W");
    CHECK(data["ledgers"][2]["parameter"] == "V");
    std::vector<std::string> names;
    for (const json& norms : data["gradient_norms"]) names.push_back(norms["parameter"]);
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{
                       "V", first, fmt::format("lower/W #{}", *tape.find(lower.storage().get())), "upper/W"});
    CHECK(data["used_outside_steps"] == json::array({"V"}));
}

TEST_CASE("write_study: of large Jacobians the slopes or the first row") {
    const Folder folder;
    nn::Generator generator(2);
    const auto random = [&](const Shape& shape) {
        Tensor<double> x = tapeloop::detail::uninitialised<double>(shape);
        for (double& element : x) element = generator.uniform(-1, 1);
        return x;
    };
    Tape<double> tape;
    const Tensor<double> x = random({20, 5});
    const Tensor<double> W = random({5, 4});
    const Var<double> input_x = input(x);
    const Var<double> input_W = input(W);
    const Var<double> product = matmul(input_x, input_W);
    const Var<double> squares = product * product;
    const Var<double> shifted = squares + Tensor<double>{1, 2, 3, 4};
    const Var<double> J = sum(shifted);
    write_study(tape, gradient(J, every_node(tape)), folder / "page.html");
    const json jacobians = data_of(read(folder / "page.html"))["jacobians"];
    CHECK(jacobians["largest"] == 64);
    const auto found = [&](const Var<double>& node) {
        std::vector<json> list;
        for (const json& one : jacobians["list"])
            if (one["node"] == node.index()) list.push_back(one);
        return list;
    };
    const auto of_product = found(product);
    REQUIRE(of_product.size() == 1);  // not by W: its rows are no rows of the product
    CHECK(of_product[0]["view"] == "row");
    CHECK(of_product[0]["argument"] == 0);
    CHECK(of_product[0]["tensor"]["shape"] == json::array({4, 5}));
    const std::vector<double> block = elements(of_product[0]["tensor"]);
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t k = 0; k < 5; ++k) CHECK(block[5 * i + k] == doctest::Approx(W(k, i)));

    // The same value twice: both uses count.
    const auto of_squares = found(squares);
    REQUIRE(of_squares.size() == 1);
    CHECK(of_squares[0]["view"] == "slopes");
    const std::vector<double> slopes = elements(of_squares[0]["tensor"]);
    REQUIRE(slopes.size() == 80);
    for (std::size_t i = 0; i < 80; ++i) CHECK(slopes[i] == doctest::Approx(2 * product.value().data()[i]));

    // By what was broadcast there is none.
    REQUIRE(found(shifted).size() == 1);
    CHECK(found(shifted)[0]["argument"] == 0);
    CHECK(found(J).empty());
}

TEST_CASE("write_study: each node has its loop, also behind a loop of the same labels") {
    const Folder folder;
    nn::Generator generator(7);
    const nn::LstmCell<double> cell(3, 2, generator);
    Tape<double> tape;
    const Tensor<double> x = xt::ones<double>({3, 2, 3});
    const auto first = nn::unroll(cell, x);
    const auto second = nn::unroll(cell, x, first.state);
    const Var<double> J = sum(second.outputs);
    write_study(tape, gradient(J, every_node(tape)), folder / "page.html");
    const json nodes = data_of(read(folder / "page.html"))["graph"]["nodes"];
    CHECK(nodes[first.state[0].index()]["loop"] == 0);
    CHECK(nodes[first.state[0].index()]["order"] == 2);
    CHECK(nodes[second.state[0].index()]["loop"] == 1);
    CHECK(nodes[second.state[0].index()]["order"] == 2);
    CHECK_FALSE(nodes[J.index()].contains("loop"));
}

TEST_CASE("write_study: not of parameters that were changed since") {
    const Folder folder;
    Parameter<double> W("W", Tensor<double>{1, 2});
    Tape<double> tape;
    const Var<double> J = sum(square(W));
    const Gradients<double> gradients = gradient(J, every_node(tape));
    W.update()[0] += 1;
    CHECK_THROWS_AS(write_study(tape, gradients, folder / "page.html"), std::logic_error);
    CHECK_FALSE(std::filesystem::exists(folder / "page.html"));
}

TEST_CASE("write_study: tensors are reduced to means of blocks to stay within the size asked for") {
    const Folder folder;
    study_of_lstm<float>(folder / "whole.html", 4, 64);
    study_of_lstm<float>(folder / "small.html", 4, 64, {.largest_bytes = 50'000});
    const std::size_t page = [&] {
        Tape<float> tape;
        const Var<float> x = input(Tensor<float>{1});
        write_study(tape, gradient(sum(x), {x}), folder / "empty.html");
        return std::filesystem::file_size(folder / "empty.html");
    }();
    // Beside the tensors each node takes some text.
    CHECK(std::filesystem::file_size(folder / "small.html") < page + 50'000 + 150'000);
    CHECK(std::filesystem::file_size(folder / "whole.html") > page + 210'000);

    // A ledger of many steps has to stay within its share, too.
    GradientLedger ledger;
    ledger.parameter = "W";
    ledger.norms = tapeloop::detail::uninitialised<double>({1000, 1000});
    ledger.norms.fill(0.125);
    ledger.losses.resize(1000);
    for (std::size_t k = 0; k < 1000; ++k) ledger.uses.push_back({k, {}, {}});
    const json large =
        study_of_lstm<float>(folder / "ledger.html", 4, 4, {.ledgers = {ledger}, .largest_bytes = 400'000});
    CHECK(large["ledgers"][0].dump().size() < 400'000 / 4);
    CHECK(large["ledgers"][0]["decades"]["grid"][0] >= 64);
    CHECK(elements(large["ledgers"][0]["decades"])[5] == doctest::Approx(std::log10(0.125)));

    Tape<double> tape;
    Tensor<double> x = tapeloop::detail::uninitialised<double>({3, 96});
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<double>(i);
    const Var<double> var = input(x);
    write_study(tape, gradient(sum(var), {var}), folder / "means.html");
    const json value = data_of(read(folder / "means.html"))["graph"]["nodes"][0]["value"];
    CHECK(value["grid"] == json::parse("[3,48]"));
    CHECK(elements(value)[1] == 2.5);
    CHECK(elements(value)[48] == 96.5);
    CHECK(value["max"] == 287.0);
}

TEST_CASE("write_study: in a language, or in that of the page's reader") {
    const Folder folder;
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{1, 2});
    const Gradients<double> gradients = gradient(sum(x), {x});
    for (const std::string language : {"", "en", "ko"}) {
        write_study(tape, gradients, folder / "page.html", {.language = language});
        CHECK(count(read(folder / "page.html"), "<html lang=\"" + language + "\"") == 1);
    }
    CHECK_THROWS_WITH_AS(
        write_study(tape, gradients, folder / "other.html", {.language = "fr"}),
        "write_study: language is \"fr\"; it must be \"en\", \"ko\", or empty for that of the "
        "page's reader",
        std::invalid_argument);
    CHECK_FALSE(std::filesystem::exists(folder / "other.html"));
}

TEST_CASE("write_study: what cannot be written is left as it was") {
    const Folder folder;
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{1, 2});
    const Gradients<double> gradients = gradient(sum(x), {x});
    CHECK_THROWS_WITH_AS(write_study(tape, gradients, folder / "nowhere/page.html"),
                         doctest::Contains("write_study: "), std::invalid_argument);
    CHECK_THROWS_WITH_AS(write_study(tape, gradients, folder / "nowhere/page.html"),
                         doctest::Contains("there is no folder"), std::invalid_argument);

    std::filesystem::create_directories(folder / "taken/inside");
    CHECK_THROWS_AS(write_study(tape, gradients, folder / "taken"), std::invalid_argument);
    CHECK(std::filesystem::is_directory(folder / "taken/inside"));
    CHECK(std::distance(std::filesystem::directory_iterator(folder / "."), {}) == 1);

    // Nor is what stands beside it, or what that points to.
    std::ofstream(folder / "precious") << "precious";
    std::filesystem::create_symlink(folder / "precious", folder / "page.html.partial");
    write_study(tape, gradients, folder / "page.html");
    CHECK(read(folder / "precious") == "precious");
    std::filesystem::remove(folder / "page.html");

    Tape<double> other;
    CHECK_THROWS_AS(write_study(other, gradients, folder / "page.html"), std::logic_error);
    CHECK_FALSE(std::filesystem::exists(folder / "page.html"));
}
