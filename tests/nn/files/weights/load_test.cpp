#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/files/safetensors.hpp>
#include <nn/files/weights/weights.hpp>
#include <nn/generator.hpp>
#include <nn/layers/linear.hpp>

#include <atomic>
#include <filesystem>
#include <limits>

#include <unistd.h>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A folder that is gone with the test.
class Folder {
  public:
    Folder() {
        static std::atomic<int> count = 0;
        path_ = std::filesystem::temp_directory_path() /
                ("tapeloop_weights_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
        std::filesystem::create_directory(path_);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

std::string refusal(const std::function<void()>& f) { return text_of<std::invalid_argument>(f); }

template <class T>
struct Model {
    explicit Model(std::uint64_t seed) : generator(seed), cell(2, 3, generator), head(3, 2, generator) {}

    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("cell", cell.parameters());
        list.add("head", head.parameters());
        return list;
    }

    nn::Generator generator;
    nn::LstmCell<T> cell;
    nn::Linear<T> head;
};

template <class T>
void check_same(Model<T>& a, Model<T>& b) {
    const ParameterList<T> ours = a.parameters();
    const ParameterList<T> theirs = b.parameters();
    for (std::size_t k = 0; k < ours.size(); ++k)
        check_same_bits(as_double(ours[k].parameter->value()), as_double(theirs[k].parameter->value()));
}

}  // namespace

TEST_CASE_TEMPLATE("load: what save wrote, to the last bit", T, float, double) {
    const Folder folder;
    Model<T> trained(1);
    for (const std::string name : {"model.safetensors", "model.npz"}) {
        CAPTURE(name);
        const std::string reason = refusal([&] { nn::save(folder / name, trained.parameters()); });
        if (contains(reason, "npz is not built in")) continue;
        REQUIRE(reason == "");
        Model<T> fresh(2);
        nn::load(folder / name, fresh.parameters());
        check_same(fresh, trained);
    }
    nn::save(folder / "texts.safetensors", trained.parameters(), {{"format", "pt"}});
    CHECK(nn::read_safetensors(folder / "texts.safetensors").metadata.at("format") == "pt");
    CHECK(nn::read_safetensors(folder / "texts.safetensors").arrays.contains("head/V"));
}

TEST_CASE("load: the file's format is said by its extension") {
    Model<float> model(1);
    CHECK(refusal([&] { nn::load("model.pt", model.parameters()); }) ==
          "load: model.pt: the extension says the format, and must be .safetensors or .npz");
    CHECK(contains(refusal([&] { nn::save("model", model.parameters()); }), "save: model: the extension"));
    CHECK(contains(refusal([&] { nn::save("model.npz", model.parameters(), {{"a", "b"}}); }), "npz "));
    const Folder folder;
    CHECK(text_of<std::runtime_error>([&] { nn::load(folder / "none.safetensors", model.parameters()); }) !=
          "");
}

TEST_CASE("load: one error says all that does not fit, and nothing is changed") {
    Model<float> model(1);
    Model<float> before(1);
    nn::NamedArrays arrays = nn::named_arrays(model.parameters());
    for (auto& [name, array] : arrays.arrays) std::get<Tensor<float>>(array).fill(7);
    arrays.arrays.erase("cell/U");
    arrays.arrays.erase("head/c");
    arrays.arrays["extra"] = Tensor<float>{1};
    arrays.arrays["more"] = Tensor<float>{1};
    arrays.arrays["cell/W"] = Tensor<float>(nn::zeros<float>({12, 3}));
    arrays.arrays["head/V"] = xt::xarray<std::int64_t>(xt::zeros<std::int64_t>({3, 2}));
    Tensor<double> large = nn::zeros<double>({12});
    large(3) = 1e39;
    arrays.arrays["cell/b"] = large;
    const std::uint64_t version = model.cell.b.storage()->version;
    CHECK(refusal([&] { nn::load(arrays, model.parameters()); }) ==
          "load: the arrays do not fit the parameters:"
          "\n  missing: cell/U, head/c"
          "\n  left over: extra, more"
          "\n  `cell/W` is [12, 3]; it must be [3, 12]"
          "\n  `cell/b` holds 1e+39, which is beyond the range of float"
          "\n  `head/V` holds integers; parameters are floating-point numbers");
    check_same(model, before);
    CHECK(model.cell.b.storage()->version == version);
    const Folder folder;
    nn::write_safetensors(folder / "other.safetensors", nn::NamedArrays());
    CHECK(contains(refusal([&] { nn::load(folder / "other.safetensors", model.parameters()); }),
                   "other.safetensors does not fit the parameters:\n  missing: cell/U, cell/W, cell/b"));
}

TEST_CASE("load: a long list is cut") {
    Parameter<float> p("p", {1});
    nn::NamedArrays arrays = nn::named_arrays(parameter_list(p));
    for (int k = 10; k < 35; ++k) arrays.arrays["x" + std::to_string(k)] = Tensor<float>{1};
    const std::string text = refusal([&] { nn::load(arrays, parameter_list(p)); });
    CHECK(contains(text, "left over: x10, x11"));
    CHECK(contains(text, "x29 and 5 more"));
    CHECK(!contains(text, "x30"));
}

TEST_CASE("load: what is left over, and biases that are missing, on demand") {
    Parameter<double> W("W", {1, 2});
    Parameter<double> b("b", {3, 4});
    nn::Naming<double> naming;
    naming.add("W", W).add("b", b, {.is_bias = true}).add("b2", b, {.is_bias = true, .is_second = true});
    nn::NamedArrays arrays;
    arrays.arrays["W"] = Tensor<double>{5, 6};
    arrays.arrays["other"] = Tensor<double>{7};
    CHECK(refusal([&] { nn::load(arrays, naming, {.without_biases = true}); }) ==
          "load: the arrays do not fit the parameters:\n  left over: other");
    CHECK(contains(refusal([&] { nn::load(arrays, naming, {.left_over = true}); }), "missing: b, b2"));
    CHECK(W.value() == Tensor<double>{1, 2});
    nn::load(arrays, naming, {.left_over = true, .without_biases = true});
    CHECK(W.value() == Tensor<double>{5, 6});
    CHECK(b.value() == Tensor<double>{0, 0});
    arrays.arrays["b2"] = Tensor<double>{8, 9};
    nn::load(arrays, naming, {.left_over = true, .without_biases = true});
    CHECK(b.value() == Tensor<double>{8, 9});
    arrays.arrays.erase("W");
    CHECK(contains(refusal([&] { nn::load(arrays, naming, {.left_over = true, .without_biases = true}); }),
                   "missing: W"));
}

TEST_CASE("load: float and double into each other") {
    Parameter<double> wide("p", {0, 0, 0});
    Parameter<float> narrow("p", {0, 0, 0});
    nn::NamedArrays arrays;
    arrays.arrays["p"] = Tensor<float>{0.1F, 1e-45F, -3e38F};
    nn::load(arrays, parameter_list(wide));
    CHECK(wide.value() == Tensor<double>{double(0.1F), double(1e-45F), double(-3e38F)});
    arrays.arrays["p"] = Tensor<double>{0.1, 1e-50, -3e38};
    nn::load(arrays, parameter_list(narrow));
    CHECK(narrow.value() == Tensor<float>{0.1F, 0.0F, -3e38F});
    // The largest number that is rounded to a float, and the next one, which would be infinite.
    const double largest = 0x1.fffffefffffffp127;
    arrays.arrays["p"] = Tensor<double>{largest, -largest, infinity};
    nn::load(arrays, parameter_list(narrow));
    const float largest_float = std::numeric_limits<float>::max();
    CHECK(narrow.value() ==
          Tensor<float>{largest_float, -largest_float, std::numeric_limits<float>::infinity()});
    arrays.arrays["p"] = Tensor<double>{0, -0x1.ffffffp127, 0};
    CHECK(contains(refusal([&] { nn::load(arrays, parameter_list(narrow)); }), "beyond the range of float"));
    arrays.arrays["p"] = Tensor<double>{std::nan(""), -infinity, 1};
    nn::load(arrays, parameter_list(narrow));
    CHECK(std::isnan(narrow.value()(0)));
    CHECK(narrow.value()(1) == -std::numeric_limits<float>::infinity());
}

TEST_CASE("load: a parameter under two names") {
    Parameter<double> tied("W", {1, 2});
    Parameter<double> b("b", {1, 1});
    nn::Naming<double> part;
    part.add("W", tied).add("b", b).add("b2", b, {.is_second = true});
    nn::Naming<double> naming;
    naming.add("encoder", part).add("decoder", part);
    nn::NamedArrays arrays = nn::named_arrays(naming);
    CHECK(arrays.arrays.size() == 6);
    arrays.arrays["encoder.W"] = Tensor<double>{3, 4};
    CHECK(contains(refusal([&] { nn::load(arrays, naming); }),
                   "`decoder.W` differs from `encoder.W`; they are one parameter here"));
    arrays.arrays.erase("decoder.W");  // one of the names is enough, whichever it is
    arrays.arrays["encoder.b2"] = arrays.arrays["decoder.b2"] = Tensor<double>{10, 20};
    nn::load(arrays, naming);
    CHECK(tied.value() == Tensor<double>{3, 4});
    CHECK(b.value() == Tensor<double>{11, 21});  // and the biases are not added twice
    arrays.arrays.erase("encoder.W");
    CHECK(contains(refusal([&] { nn::load(arrays, naming); }), "missing: encoder.W, decoder.W"));
    arrays.arrays["decoder.W"] = Tensor<double>{5, 6};
    nn::load(arrays, naming);
    CHECK(tied.value() == Tensor<double>{5, 6});
    CHECK(b.value() == Tensor<double>{11, 21});

    nn::Naming<double> thrice;
    thrice.add("x", tied).add("y", tied).add("z", tied);
    nn::NamedArrays two;
    two.arrays["y"] = Tensor<double>{1, 2};
    two.arrays["z"] = Tensor<double>{1, 3};
    CHECK(contains(refusal([&] { nn::load(two, thrice); }), "`z` differs from `y`"));

    ParameterList<double> list;
    list.add("a", parameter_list(tied));
    list.add("b", parameter_list(tied));
    const nn::NamedArrays both = nn::named_arrays(list);
    CHECK(both.arrays.size() == 2);
    nn::load(both, list);
    CHECK(tied.value() == Tensor<double>{5, 6});
}

TEST_CASE("load: tapes notice it, as any other change") {
    Parameter<double> p("p", {1, 2});
    const nn::NamedArrays arrays = nn::named_arrays(parameter_list(p));
    const Tape<double> tape;
    const Var<double> J = sum(p * p);
    nn::load(arrays, parameter_list(p));
    CHECK(text_of<std::logic_error>([&] { gradient(J, {p}); }) != "");
}

TEST_CASE("load: parameters of any rank, and without elements") {
    Random random("ranks");
    Parameter<double> number("number", random.tensor({}));
    Parameter<double> none("none", nn::zeros<double>({0, 3}));
    Parameter<double> no_columns("no_columns", nn::zeros<double>({3, 0}));
    Parameter<double> cube("cube", random.tensor({2, 3, 4}));
    Parameter<double> wide("wide", random.tensor({45, 70}));  // over a tile both ways
    nn::Naming<double> naming;
    naming.add("number", number, nn::transposed).add("none", none, nn::transposed);
    naming.add("no_columns", no_columns).add("cube", cube).add("wide", wide, nn::transposed);
    const nn::NamedArrays arrays = nn::named_arrays(naming);
    const auto& turned = std::get<Tensor<double>>(arrays.arrays.at("wide"));
    CHECK(turned == Tensor<double>(xt::transpose(wide.value())));
    CHECK(shape_of(std::get<Tensor<double>>(arrays.arrays.at("none"))) == Shape{3, 0});
    const Tensor<double> values[] = {number.value(), cube.value(), wide.value()};
    for (Parameter<double>* parameter : {&number, &cube, &wide})
        parameter->assign(nn::zeros<double>(parameter->shape()));
    const Folder folder;
    nn::write_safetensors(folder / "ranks.safetensors", arrays);
    nn::load(folder / "ranks.safetensors", naming);
    check_same_bits(number.value(), values[0]);
    check_same_bits(cube.value(), values[1]);
    check_same_bits(wide.value(), values[2]);
}
