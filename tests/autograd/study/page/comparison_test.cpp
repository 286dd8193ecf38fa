#include <fmt/format.h>
#include <unistd.h>
#include <autograd/autograd.hpp>
#include <autograd/study/page/comparison.hpp>
#include <nn/nn.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

using namespace tapeloop;
using nlohmann::json;

namespace {

std::string page_at(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Study elman_study(nn::ElmanCell<double>& cell, const std::string& title) {
    nn::Generator generator(7);
    Tape<double> tape({.fuse = false});
    const Var<double> J = sum(nn::unroll(cell, nn::normal<double>({4, 2, 2}, 0, 1, generator)).outputs);
    return {tape, gradient(J, every_node(tape)), {.title = title}};
}

}  // namespace

TEST_CASE("write_comparison: two studies that outlive their tapes and the parameters' values") {
    nn::Generator generator(3);
    nn::ElmanCell<double> cell(2, 3, generator);
    const Study before = elman_study(cell, "first </script>");
    cell.W.assign(2.0 * cell.W.value());
    const Study after = elman_study(cell, "second");
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / fmt::format("tapeloop_comparison_{}.html", getpid());
    write_comparison(before, "be<fore", after, "after", path);
    const std::string page = page_at(path);
    std::filesystem::remove(path);
    CHECK(page.find("<title>be&lt;fore and after</title>") != std::string::npos);
    const std::string mark = "id=\"study\">";
    const std::size_t begin = page.find(mark) + mark.size();
    const json data = json::parse(page.substr(begin, page.find("</script>", begin) - begin));
    CHECK(data["format"] == "tapeloop comparison");
    CHECK(data["names"] == json{"be<fore", "after"});
    REQUIRE(data["studies"].size() == 2);
    CHECK(data["studies"][0] == json::parse(before.json()));
    CHECK(data["studies"][1] == json::parse(after.json()));
    CHECK(data["studies"][0]["title"] == "first </script>");
    CHECK(before.title() == "first </script>");
    CHECK(data["studies"][0]["tensors"] != data["studies"][1]["tensors"]);
}

TEST_CASE("write_comparison: where there is no folder, and a study of parameters that were changed") {
    nn::Generator generator(3);
    nn::ElmanCell<double> cell(2, 3, generator);
    const Study study = elman_study(cell, "one");
    CHECK_THROWS_WITH_AS(write_comparison(study, "a", study, "b", "/no/such/folder/page.html"),
                         "write_comparison: /no/such/folder/page.html cannot be written: there is no folder "
                         "/no/such/folder",
                         std::invalid_argument);
    Tape<double> tape;
    const Var<double> J = sum(nn::unroll(cell, nn::zeros<double>({2, 1, 2})).outputs);
    const Gradients<double> gradients = gradient(J, every_node(tape));
    cell.W.assign(2.0 * cell.W.value());
    CHECK_THROWS_AS(Study(tape, gradients), std::logic_error);
}
