#include <tests/optim/optimizer.hpp>

#include <nlohmann/json.hpp>
#include <optim/optim.hpp>

#include <fstream>
#include <memory>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using Json = nlohmann::json;
using Optimizer = optim::Optimizer<double>;

/// The formula that the file states, as its generator computes it.
double gradient_of(std::size_t n, std::size_t k, std::size_t i, double value) {
    const std::size_t sum = 7 * n + 3 * i + 5 * k;
    return static_cast<double>(k + 1 + i) / 4 * (value - 0.5) + (static_cast<double>(sum % 11) - 5) / 10;
}

/// Sets the options that a case names; the others keep our defaults, which must be LibTorch's.
class Reader {
  public:
    explicit Reader(const Json& options) : options_(options) {}
    template <class Value>
    Reader& take(const char* name, Value& value) {
        if (options_.contains(name)) {
            value = options_[name].get<Value>();
            ++taken_;
        }
        return *this;
    }
    bool all_taken() const { return taken_ == options_.size(); }

  private:
    const Json& options_;
    std::size_t taken_ = 0;
};

template <class Adam, class Options>
std::unique_ptr<Optimizer> adam(const ParameterList<double>& list, Reader& reader) {
    Options options;
    reader.take("beta1", options.beta1).take("beta2", options.beta2).take("amsgrad", options.amsgrad);
    reader.take("learning_rate", options.learning_rate).take("epsilon", options.epsilon);
    reader.take("weight_decay", options.weight_decay);
    return std::make_unique<Adam>(list, options);
}
std::unique_ptr<Optimizer> sgd(const ParameterList<double>& list, Reader& reader) {
    optim::SgdOptions options;
    reader.take("learning_rate", options.learning_rate).take("momentum", options.momentum);
    reader.take("dampening", options.dampening).take("nesterov", options.nesterov);
    reader.take("weight_decay", options.weight_decay);
    return std::make_unique<optim::Sgd<double>>(list, options);
}
std::unique_ptr<Optimizer> rmsprop(const ParameterList<double>& list, Reader& reader) {
    optim::RmsPropOptions options;
    reader.take("learning_rate", options.learning_rate).take("alpha", options.alpha);
    reader.take("epsilon", options.epsilon).take("weight_decay", options.weight_decay);
    reader.take("momentum", options.momentum).take("centered", options.centered);
    return std::make_unique<optim::RmsProp<double>>(list, options);
}
std::unique_ptr<Optimizer> adagrad(const ParameterList<double>& list, Reader& reader) {
    optim::AdagradOptions options;
    reader.take("learning_rate", options.learning_rate).take("epsilon", options.epsilon);
    reader.take("learning_rate_decay", options.learning_rate_decay);
    reader.take("weight_decay", options.weight_decay);
    reader.take("initial_accumulator", options.initial_accumulator);
    return std::make_unique<optim::Adagrad<double>>(list, options);
}

std::unique_ptr<Optimizer> make(const std::string& name, const ParameterList<double>& list,
                                const Json& options) {
    Reader reader(options);
    std::unique_ptr<Optimizer> result;
    if (name == "sgd") result = sgd(list, reader);
    if (name == "adam") result = adam<optim::Adam<double>, optim::AdamOptions>(list, reader);
    if (name == "adamw") result = adam<optim::AdamW<double>, optim::AdamWOptions>(list, reader);
    if (name == "rmsprop") result = rmsprop(list, reader);
    if (name == "adagrad") result = adagrad(list, reader);
    REQUIRE(result != nullptr);
    REQUIRE(reader.all_taken());
    return result;
}

Tensor<double> gradient_at(std::size_t n, std::size_t k, const Parameter<double>& parameter) {
    return generate(parameter.shape(), [&](const Position& position) {
        return gradient_of(n, k, position[0], parameter.value()[position[0]]);
    });
}

void check_case(const Json& file, const Json& one) {
    Parameter<double> p("p", vector(file["start"]["p"]));
    Parameter<double> q("q", vector(file["start"]["q"]));
    const auto optimizer = make(one["optimizer"], parameter_list(p, q), one["options"]);
    std::size_t compared = 0;
    for (std::size_t n = 1; n <= 200; ++n) {
        if (n == file["rate_changes"]["at_step"])
            optimizer->set_learning_rate(optimizer->learning_rate() *
                                         file["rate_changes"]["by"].get<double>());
        optimizer->step(Gradients<double>({p, q}, {gradient_at(n, 0, p), gradient_at(n, 1, q)}));
        if (!one["values"].contains(std::to_string(n))) continue;
        const Json& expected = one["values"][std::to_string(n)];
        check_close(p.value(), vector(expected["p"]), 1e-12);
        check_close(q.value(), vector(expected["q"]), 1e-12);
        ++compared;
    }
    CHECK(compared == 4);
}

}  // namespace

TEST_CASE("optimizers: two hundred steps are LibTorch's") {
    std::ifstream stream(TAPELOOP_SOURCE_DIR "/tests/reference/optimizers.json");
    const Json file = Json::parse(stream);
    REQUIRE(file["cases"].size() == 18);
    for (const Json& one : file["cases"]) {
        const std::string name = one["optimizer"].get<std::string>() + " " + one["options"].dump();
        CAPTURE(name);
        check_case(file, one);
    }
}
