#include <tests/expect.hpp>
#include <tests/nn/every_cell.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/graph/dot.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/sequence/unroll.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using nlohmann::json;

/// A picture as Graphviz reads it and lays it out.
class Picture {
  public:
    explicit Picture(const std::string& dot) {
        const std::filesystem::path folder = std::filesystem::temp_directory_path();
        const auto unique = std::to_string(reinterpret_cast<std::uintptr_t>(this)) + "_" +
                            std::to_string(std::hash<std::string>()(dot));
        const std::filesystem::path source = folder / ("tapeloop_" + unique + ".dot");
        const std::filesystem::path result = folder / ("tapeloop_" + unique + ".json");
        std::ofstream(source) << dot;
        // What Graphviz says of a mistake stands in the file as well.
        const std::string command =
            std::string(TAPELOOP_DOT) + " -Tjson0 " + source.string() + " > " + result.string() + " 2>&1";
        const int status = std::system(command.c_str());
        REQUIRE(status == 0);
        std::ifstream stream(result);
        read_ = json::parse(stream);
        std::filesystem::remove(source);
        std::filesystem::remove(result);
    }

    std::vector<json> nodes() const { return objects(false); }
    /// In pixels, of which Graphviz counts 72 to the inch and a browser 96.
    double width() const {
        const std::string box = read_["bb"];
        return std::stod(box.substr(box.find(',', box.find(',') + 1) + 1)) * 96 / 72;
    }
    std::vector<json> clusters() const { return objects(true); }
    /// Without those that only keep the order.
    std::vector<json> edges() const {
        std::vector<json> all;
        for (const json& edge : list("edges"))
            if (edge.value("style", "") != "invis") all.push_back(edge);
        return all;
    }
    json node(NodeIndex index) const {
        for (const json& node : nodes())
            if (node["name"] == "n" + std::to_string(index)) return node;
        return {};
    }
    json cluster(const std::string& label) const {
        for (const json& cluster : clusters())
            if (cluster["label"] == label) return cluster;
        return {};
    }
    /// Returns how many edges go from one node to another.
    std::size_t count(NodeIndex from, NodeIndex to) const {
        const json a = node(from)["_gvid"];
        const json b = node(to)["_gvid"];
        const auto all = edges();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const json& edge) {
            return edge["tail"] == a && edge["head"] == b;
        }));
    }
    static double x(const json& node) { return std::stod(node["pos"].get<std::string>()); }

  private:
    std::vector<json> list(const char* key) const {
        return read_.contains(key) ? read_[key].get<std::vector<json>>() : std::vector<json>();
    }
    std::vector<json> objects(bool is_cluster) const {
        std::vector<json> found;
        for (const json& object : list("objects"))
            if ((object["name"].get<std::string>().rfind("cluster", 0) == 0) == is_cluster)
                found.push_back(object);
        return found;
    }
    json read_;
};

Graph unrolled(const nn::AnyLayer<double>& layer, std::size_t time_steps, bool fuse = true) {
    Tape<double> tape({.fuse = fuse});
    nn::unroll(layer, filled({time_steps, 2, 4}, 0.1));
    return read_graph(tape);
}

}  // namespace

TEST_CASE("dot: Graphviz reads a node for each node and an edge for each input") {
    nn::Generator generator(1);
    for (const NamedLayer& cell : every_cell(generator)) {
        CAPTURE(cell.name);
        const Graph graph = unrolled(cell.layer, 3);
        const Picture picture(to_dot(graph));
        CHECK(picture.nodes().size() == graph.size());
        std::size_t edges = 0;
        for (const GraphNode& node : graph) {
            edges += node.inputs.size() + (node.detached_from.has_value() ? 1 : 0);
            for (NodeIndex input : std::set<NodeIndex>(node.inputs.begin(), node.inputs.end()))
                CHECK(picture.count(input, node.index) ==
                      static_cast<std::size_t>(std::count(node.inputs.begin(), node.inputs.end(), input)));
        }
        CHECK(picture.edges().size() == edges);
    }
}

TEST_CASE("dot: layers and time steps are boxes around their nodes, parameters stand outside of the steps") {
    nn::Generator generator(1);
    const std::vector<NamedLayer> cells = every_cell(generator);
    const Graph graph = unrolled(cells.back().layer, 3);
    const Picture picture(to_dot(graph));
    std::set<std::string> boxes;
    for (const GraphNode& node : graph) {
        std::string path;
        for (std::size_t at = 0; at < node.label.size();) {
            const std::size_t slash = std::min(node.label.find('/', at), node.label.size());
            path += node.label.substr(at, slash - at) + "/";
            boxes.insert(path);
            at = slash + 1;
        }
    }
    CHECK(picture.clusters().size() == boxes.size());
    const json first = picture.cluster("t=0");
    for (const json& inside : first["nodes"])
        for (const GraphNode& node : graph)
            if (picture.node(node.index)["_gvid"] == inside) {
                CHECK(node.kind != NodeKind::parameter);
                CHECK(node.time_step == std::optional<std::size_t>(0));
            }
    CHECK(first["nodes"].size() ==
          graph.select([](const GraphNode& node) { return node.label == "encoder/t=0"; }).size());
}

TEST_CASE("dot: time runs from left to right, whatever could be done ahead") {
    nn::Generator generator(1);
    const std::vector<NamedLayer> cells = every_cell(generator);
    for (const NamedLayer& cell : cells) {
        // Some go through time the other way.
        if (cell.name.starts_with("stack") || cell.name == "both directions" || cell.name == "reversed")
            continue;
        CAPTURE(cell.name);
        Tape<double> tape({.fuse = false});
        nn::unroll(cell.layer, filled({4, 2, 4}, 0.1), {.hoist = false});
        const Graph graph = read_graph(tape);
        const Picture picture(to_dot(graph, {.widest = 1'000'000}));
        std::map<std::size_t, double> left;
        std::map<std::size_t, double> end;
        for (const GraphNode& node : graph) {
            if (!node.time_step.has_value() || node.kind == NodeKind::constant) continue;
            const double x = Picture::x(picture.node(node.index));
            const auto [first, is_first] = left.try_emplace(*node.time_step, x);
            first->second = std::min(first->second, x);
            end[*node.time_step] = x;
        }
        REQUIRE(left.size() == 4);
        for (std::size_t t = 1; t < 4; ++t) CHECK(left[t] > end[t - 1]);
    }
}

TEST_CASE("dot: two loops under one label have boxes of their own, unfolded and folded") {
    Tape<double> tape;
    Var<double> h = input(filled({2}, 0.5));
    for (std::size_t loop = 0; loop < 2; ++loop)
        for (std::size_t t = 0; t < 3; ++t) {
            const LabelScope<double> step(t);
            h = tanh(h);
        }
    const std::string unfolded = to_dot(read_graph(tape));
    const std::string folded = to_dot(fold(read_graph(tape)));
    for (const std::string& title :
         std::vector<std::string>{"\"t=0\"", "\"t=2\"", "\"t=0 (loop 1)\"", "\"t=2 (loop 1)\""})
        CHECK_MESSAGE(contains(unfolded, title), title);
    for (const std::string& title : std::vector<std::string>{"\"t = 0 .. 2\"", "\"t = 0 .. 2 (loop 1)\""})
        CHECK_MESSAGE(contains(folded, title), title);
}

TEST_CASE("dot: more than five time steps are folded, unless it is asked otherwise") {
    nn::Generator generator(1);
    const nn::LstmCell<double> cell(4, 4, generator);
    const auto record = [&](std::size_t time_steps) {
        Tape<double> tape;
        nn::unroll(cell, filled({time_steps, 2, 4}, 0.1));
        return read_graph(tape);
    };
    const Graph five = record(5);
    CHECK(Picture(to_dot(five)).nodes().size() == five.size());
    const Graph six = record(6);
    const Picture folded(to_dot(six));
    CHECK(folded.nodes().size() == fold(six).nodes.size());
    CHECK(Picture(to_dot(six, {.largest_unfolded = 6})).nodes().size() == six.size());
    CHECK(Picture(to_dot(five, {.largest_unfolded = 0})).nodes().size() == folded.nodes().size());
    CHECK(to_dot(fold(six)) == to_dot(six));
}

// Five steps of a fused LSTM are a picture to look at; of a chain of sixty operations a step nobody can.
TEST_CASE("dot: few steps that make a wide picture are folded, too") {
    Tape<double> tape;
    Var<double> x = input(filled({2}, 0.1));
    for (std::size_t t = 0; t < 4; ++t) {
        const LabelScope<double> step(t);
        for (int k = 0; k < 30; ++k) x = tanh(x);
    }
    const Graph graph = read_graph(tape);
    const auto width_of = [](const Picture& picture) { return picture.width(); };
    const Picture folded(to_dot(graph));
    CHECK(folded.nodes().size() == fold(graph).nodes.size());
    const Picture whole(to_dot(graph, {.widest = 1'000'000}));
    CHECK(whole.nodes().size() == graph.size());
    CHECK(width_of(whole) > 6000);
    CHECK(width_of(folded) < width_of(whole) / 2);
}

TEST_CASE("dot: folded, recurrent edges go back and do not move anything, initial states say when") {
    nn::Generator generator(1);
    const nn::LstmCell<double> cell(4, 4, generator);
    Tape<double> tape;
    nn::unroll(cell, filled({50, 2, 4}, 0.1));
    const Picture picture(to_dot(read_graph(tape)));
    std::size_t recurrent = 0;
    std::size_t initial = 0;
    for (const json& edge : picture.edges()) {
        if (edge.value("label", "") == "t-1") {
            ++recurrent;
            CHECK(edge["constraint"] == "false");
        }
        if (edge.value("label", "") == "t=0") ++initial;
    }
    CHECK(recurrent == 2);
    CHECK(initial == 2);
    CHECK(picture.clusters().size() == 1);
    CHECK(picture.cluster("t = 0 .. 49")["nodes"].size() == 4);
}

TEST_CASE("dot: names with any characters are names") {
    const std::string name = "a \"b\" \\n <c> {d|e} \\ \xc3\xa4 %\n->; x=[y]";
    Tape<double> tape;
    const LabelScope<double> layer("layer \"one\" \\");
    const LabelScope<double> part("t=");
    const Var<double> x = input(vector({1})).named(name);
    exp(x).named("\\");
    const Picture picture(to_dot(read_graph(tape)));
    REQUIRE(picture.nodes().size() == 2);
    CHECK(picture.edges().size() == 1);
    CHECK(picture.clusters().size() == 2);
    // As Graphviz keeps it, with what it would write into the picture still escaped.
    CHECK(picture.node(0)["label"] == "a \"b\" \\\\n <c> {d|e} \\\\ \xc3\xa4 %\\n->; x=[y]\\n[1]");
    CHECK(picture.node(1)["label"] == "\\\\ = exp\\n[1]");
}

TEST_CASE("dot: a slice shows what it reads from outside, and a detached value where it comes from") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2})).named("x");
    const Var<double> y = x * 3;
    NodeIndex last = 0;
    {
        const LabelScope<double> layer("layer");
        last = (detach(y) * y).index();
    }
    exp(tape.var(last));
    const Graph graph = read_graph(tape);
    const Picture slice(to_dot(graph.labelled("layer")));
    CHECK(slice.nodes().size() == 3);
    CHECK(slice.node(y.index())["style"] == "dotted");
    CHECK(slice.count(y.index(), last) == 1);
    CHECK(slice.cluster("layer")["nodes"].size() == 2);
    // Of what lies outside the layer is not drawn.
    CHECK(Picture(to_dot(graph.select([&](const GraphNode& node) { return node.index > last; })))
              .clusters()
              .empty());
    const Picture whole(to_dot(graph));
    std::size_t dashed = 0;
    for (const json& edge : whole.edges())
        if (edge.value("style", "") == "dashed") ++dashed;
    CHECK(dashed == 1);
    CHECK(Picture(to_dot(Graph())).nodes().empty());
}
