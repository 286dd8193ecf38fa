#include <doctest/doctest.h>

#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <tests/numeric.hpp>

using namespace tapeloop;

namespace {

/// A linear cell of a user's, with an output gate and several projected parts (QRNN's fo-pooling, Bradbury et
/// al. 2017, with a window of one step).
template <class T>
struct PooledCell {
    Parameter<T> U, V;

    PooledCell(std::size_t inputs, std::size_t hidden, nn::Generator& generator)
        : U("U", nn::xavier_uniform<T>({inputs, 2 * hidden}, generator)),
          V("V", nn::xavier_uniform<T>({inputs, hidden}, generator)) {}

    Var<T> initial_state(std::size_t batch) const { return input(nn::zeros<T>({batch, V.shape()[1]})); }
    std::pair<Var<T>, Var<T>> project(const Var<T>& x) const { return {matmul(x, U), matmul(x, V)}; }
    std::pair<Var<T>, Var<T>> coefficients(const std::pair<Var<T>, Var<T>>& u) const {
        const Var<T> keep = sigmoid(columns(u.first, 0, 2));
        return {keep, (1 - keep) * tanh(columns(u.first, 1, 2))};
    }
    Var<T> output(const std::pair<Var<T>, Var<T>>& u, const Var<T>& h) const { return sigmoid(u.second) * h; }
    ParameterList<T> parameters() { return parameter_list(U, V); }
};
static_assert(nn::TrainableCell<PooledCell<float>>);

/// A linear cell of a user's that prepares how fast its units forget, and how they are shown.
template <class T>
struct PreparedCell {
    Parameter<T> U, forget, V;

    PreparedCell(std::size_t inputs, std::size_t hidden, nn::Generator& generator)
        : U("U", nn::xavier_uniform<T>({inputs, hidden}, generator)),
          forget("forget", nn::normal<T>({hidden}, 0, 1, generator)),
          V("V", nn::xavier_uniform<T>({hidden, 2}, generator)) {}

    Var<T> initial_state(std::size_t batch) const { return input(nn::zeros<T>({batch, V.shape()[0]})); }
    std::pair<Var<T>, Var<T>> prepare() const { return {sigmoid(forget), exp(V)}; }
    Var<T> project(const Var<T>& x) const { return matmul(x, U); }
    std::pair<Var<T>, Var<T>> coefficients(const Var<T>& u, const std::pair<Var<T>, Var<T>>& made) const {
        return {broadcast_to(made.first, u.shape()), u};
    }
    Var<T> output(const Var<T>& u, const Var<T>& h, const std::pair<Var<T>, Var<T>>& made) const {
        return matmul(h * tanh(u), made.second);
    }
    ParameterList<T> parameters() { return parameter_list(U, forget, V); }
};
static_assert(nn::TrainableCell<PreparedCell<double>>);

/// A linear cell of a user's whose state is complex and turns as the input says.
template <class T>
struct TurningCell {
    Parameter<T> U, V;

    TurningCell(std::size_t inputs, std::size_t hidden, nn::Generator& generator)
        : U("U", nn::xavier_uniform<T>({inputs, 2 * hidden}, generator)),
          V("V", nn::xavier_uniform<T>({inputs, 2 * hidden}, generator)) {}

    Var<T> initial_state(std::size_t batch) const { return input(nn::zeros<T>({batch, V.shape()[1]})); }
    std::pair<Var<T>, Var<T>> project(const Var<T>& x) const { return {matmul(x, U), matmul(x, V)}; }
    std::array<Var<T>, 3> coefficients(const std::pair<Var<T>, Var<T>>& u) const {
        const Var<T> radius = sigmoid(columns(u.first, 0, 2));
        const Var<T> phase = columns(u.first, 1, 2);
        return {radius * cos(phase), radius * sin(phase), u.second};
    }
    ParameterList<T> parameters() { return parameter_list(U, V); }
};
static_assert(nn::TrainableCell<TurningCell<float>>);

struct CoefficientsOfOne : PooledCell<double> {
    using PooledCell::PooledCell;
    Var<double> coefficients(const std::pair<Var<double>, Var<double>>& u) const { return u.first; }
};
struct CoefficientsOfTwoStates : PooledCell<double> {
    using PooledCell::PooledCell;
    std::pair<Var<double>, Var<double>> initial_state(std::size_t) const { return {}; }
};
struct CoefficientsOfFour : PooledCell<double> {
    using PooledCell::PooledCell;
    std::array<Var<double>, 4> coefficients(const std::pair<Var<double>, Var<double>>&) const { return {}; }
};
struct OutputThatIsNotConst : PooledCell<double> {
    using PooledCell::PooledCell;
    Var<double> output(const std::pair<Var<double>, Var<double>>&, const Var<double>& h) { return h; }
};
struct OutputToATensor : PooledCell<double> {
    using PooledCell::PooledCell;
    Tensor<double> output(const std::pair<Var<double>, Var<double>>&, const Var<double>& h) const {
        return h.value();
    }
};
static_assert(!nn::Cell<CoefficientsOfOne> && !nn::Cell<CoefficientsOfTwoStates>);
static_assert(!nn::Cell<CoefficientsOfFour>);
static_assert(!nn::Cell<OutputThatIsNotConst> && !nn::Cell<OutputToATensor>);

/// The cell without the short way: `unroll` steps it.
template <class Cell>
struct Stepped {
    Cell& cell;
    auto initial_state(std::size_t batch) const { return cell.initial_state(batch); }
    auto project(const auto& x) const { return nn::project(cell, x); }
    auto step(const auto& u, const auto& h) const { return nn::step(cell, u, h, nn::prepare(cell)); }
};

template <class T, class Cell>
void check_against_steps(Cell& cell, const nn::UnrollOptions& options, T tolerance,
                         const Shape& shape = {6, 3, 4}) {
    nn::Generator generator(5);
    const Tensor<T> x = nn::normal<T>(shape, 0, 1, generator);
    const auto run = [&](const auto& one) {
        Tape<T> tape;
        nn::Generator own_generator(6);
        const auto drawn = [&](const Shape& of) { return input(nn::normal<T>(of, 0, 1, own_generator)); };
        const Var<T> own_x = input(x);
        const Var<T> own_start = drawn(one.initial_state(shape[1]).shape());
        const auto result = nn::unroll(one, own_x, own_start, options);
        const Var<T> J = sum(result.outputs * drawn(result.outputs.shape())) + sum(square(result.state));
        WrtList<T> wrt(cell.parameters());
        wrt.add(own_x).add(own_start);
        const Gradients<T> gradients = gradient(J, wrt);
        std::vector<Tensor<T>> all{result.outputs.value(), result.state.value()};
        for (const Var<T>& h : result.trace) all.push_back(h.value());
        all.insert(all.end(), gradients.begin(), gradients.end());
        return std::pair{all, tape.size()};
    };
    const auto [at_once, nodes] = run(cell);
    const auto [stepped, many] = run(Stepped<Cell>{cell});
    REQUIRE(at_once.size() == stepped.size());
    for (std::size_t i = 0; i < at_once.size(); ++i) {
        CAPTURE(i);
        CHECK(test::difference(test::as_double(at_once[i]), test::as_double(stepped[i]), tolerance, 1) == "");
    }
    CHECK(nodes < many);
}

template <class T, class Cell>
void check_all_ways(std::size_t units = 5) {
    nn::Generator generator(2);
    Cell cell(4, units, generator);
    const T tolerance = sizeof(T) == 4 ? T(1e-5) : T(1e-13);
    const std::vector<std::size_t> lengths{6, 0, 4};
    for (const bool reverse : {false, true})
        for (const bool trace : {false, true}) {
            CAPTURE(reverse);
            nn::UnrollOptions options;
            options.reverse = reverse;
            options.trace = trace;
            check_against_steps<T>(cell, options, tolerance);
            options.lengths = lengths;
            check_against_steps<T>(cell, options, tolerance);
        }
    nn::UnrollOptions masked;
    Tensor<T> mask = nn::ones<T>({6, 3});
    mask(2, 1) = mask(0, 0) = mask(5, 2) = 0;
    masked.mask = mask;
    check_against_steps<T>(cell, masked, tolerance);
}

}  // namespace

TEST_CASE("linear cells: a long sequence of large states is gone through in stretches") {
    nn::Generator generator(3);
    const Shape shape{75, 16, 4};
    const auto check = [&](auto cell) {
        const std::size_t state = 16 * 1024;
        REQUIRE(nn::detail::linear_elements_at_once / state * nn::detail::worth_stretches < shape[0]);
        nn::UnrollOptions options;
        for (const bool reverse : {false, true}) {
            CAPTURE(reverse);
            options.reverse = options.trace = reverse;
            check_against_steps<double>(cell, options, 1e-12, shape);
        }
    };
    check(nn::SelectiveSsmCell<double>(4, 256, generator));
    check(nn::LruCell<double>(4, 512, generator));
}

TEST_CASE_TEMPLATE("linear cells: at once they compute what their steps do", T, float, double) {
    check_all_ways<T, nn::MinGruCell<T>>();
    check_all_ways<T, nn::MinLstmCell<T>>();
    check_all_ways<T, nn::SruCell<T>>();
    check_all_ways<T, nn::SruCell<T>>(4);
    check_all_ways<T, nn::QrnnCell<T>>();
    check_all_ways<T, nn::SelectiveSsmCell<T>>();
    check_all_ways<T, nn::LruCell<T>>();
    check_all_ways<T, TurningCell<T>>();
    check_all_ways<T, PooledCell<T>>();
    check_all_ways<T, PreparedCell<T>>();
}

TEST_CASE("linear cells: the recurrence has the bits of steps") {
    nn::Generator generator(3);
    const Tensor<double> a = nn::normal<double>({7, 19}, 0, 1, generator);
    const Tensor<double> b = nn::normal<double>({7, 19}, 0, 1, generator);
    const Tensor<double> start = nn::normal<double>({19}, 0, 1, generator);
    Tape<double> tape;
    const Var<double> all = linear_recurrence(input(a), input(b), input(start));
    Var<double> h = input(start);
    const std::vector<Var<double>> as = unstack(input(a));
    const std::vector<Var<double>> bs = unstack(input(b));
    const std::vector<Var<double>> hs = unstack(all);
    for (std::size_t t = 0; t < 7; ++t) {
        h = as[t] * h + bs[t];
        CHECK(test::difference_in_bits(hs[t].value(), h.value()) == "");
    }
}

TEST_CASE_TEMPLATE("linear cells: the recurrence of complex numbers has the bits of steps", V, float,
                   double) {
    nn::Generator generator(3);
    TurningCell<V> cell(4, 21, generator);
    const Tensor<V> x = nn::normal<V>({7, 3, 4}, 0, 1, generator);
    const Tensor<V> start = nn::normal<V>({3, 42}, 0, 1, generator);
    for (const bool reverse : {false, true}) {
        Tape<V> tape;
        const Var<V> u = input(x);
        const Var<V> all = nn::unroll(cell, u, input(start), {.reverse = reverse}).outputs;
        Var<V> h = input(start);
        const std::pair<Var<V>, Var<V>> whole = cell.project(u);
        for (std::size_t k = 0; k < 7; ++k) {
            const std::size_t t = reverse ? 6 - k : k;
            h = nn::step(cell, {unstack(whole.first)[t], unstack(whole.second)[t]}, h, {}).second;
            CHECK(test::difference_in_bits(unstack(all)[t].value(), h.value()) == "");
        }
    }
}

TEST_CASE_TEMPLATE("linear cells: what stands behind the end of a row spoils nothing", Cell,
                   nn::MinLstmCell<double>, nn::SruCell<double>, nn::QrnnCell<double>,
                   nn::SelectiveSsmCell<double>, nn::LruCell<double>) {
    nn::Generator generator(2);
    Cell cell(4, 5, generator);
    Tensor<double> x = nn::normal<double>({6, 2, 4}, 0, 1, generator);
    for (std::size_t t = 3; t < 6; ++t)
        for (std::size_t k = 0; k < 4; ++k) x(t, 1, k) = std::nan("");
    Tape<double> tape;
    const Var<double> J = sum(square(nn::unroll(cell, input(x), {.lengths = {6, 3}}).outputs));
    CHECK(std::isfinite(J.item()));
    for (const Tensor<double>& one : gradient(J, cell.parameters()))
        for (const double element : one) CHECK(std::isfinite(element));
}

TEST_CASE("linear cells: two shut gates divide nothing by nothing") {
    nn::Generator generator(2);
    nn::MinLstmCell<float> cell(1, 1, generator);
    cell.U.assign(Tensor<float>{{-1000.0F, -1000.0F, 1.0F}});
    Tape<float> tape;
    const Var<float> y = nn::unroll(cell, input(nn::ones<float>({1, 1, 1}))).outputs;
    CHECK(y.item() == 0.5F);
}
