#include <fmt/format.h>
#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/gates.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/layers/layer_norm.hpp>
#include <nn/sequence/cell.hpp>

#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<LstmVariantCell<float>>);

namespace {

void require_options(const LstmVariantOptions& options) {
    if (!(options.cell_clip >= 0) || !(options.projection_clip >= 0))
        throw std::invalid_argument(
            fmt::format("LstmVariantCell: cell_clip is {} and projection_clip {}; they must be at least 0",
                        options.cell_clip, options.projection_clip));
    if (!(options.layer_norm_epsilon >= 0))
        throw std::invalid_argument(fmt::format(
            "LstmVariantCell: layer_norm_epsilon is {}; it must be at least 0", options.layer_norm_epsilon));
    if (options.projection_bias && options.projection == 0)
        throw std::invalid_argument(
            "LstmVariantCell: projection_bias is set and projection is 0; only a projection has that bias");
}

template <class A>
A limited(const A& a, double limit) {
    return limit < std::numeric_limits<double>::infinity() ? clip(a, -limit, limit) : a;
}

template <std::size_t k>
using Place = std::integral_constant<std::size_t, k>;

/// The equations, for registers in a fused pass and for `Var`s alike: h' (not projected) and c'. What gate k
/// is squashed from is `a(Place<k>(), memory)`, and what the candidate is, which sees no memory,
/// `a(Place<k>())`.
template <bool coupled, class A, class C>
auto advance_memory(const A& a, const C& c, const LstmVariantOptions& options) {
    constexpr std::size_t input = 0;
    constexpr std::size_t forget = 1;
    constexpr std::size_t candidate = coupled ? 1 : 2;
    constexpr std::size_t output = candidate + 1;
    const auto s = [&options](const auto& x) { return squash(options.gate_activation, x); };
    auto i = s(a(Place<input>(), c));
    auto f = [&] {
        if constexpr (coupled)
            return 1 - i;
        else
            return s(a(Place<forget>(), c));
    }();
    auto g = tanh(a(Place<candidate>()));
    auto next = limited(f * c + i * g, options.cell_clip);
    auto o = s(a(Place<output>(), next));
    return std::tuple{o * tanh(next), next};
}

/// The gates as they are.
template <class A>
struct Plain {
    const A& a;

    template <std::size_t k>
    auto operator()(Place<k>, const auto&...) const {
        return std::get<k>(a);
    }
};

/// Returns the place of gate k's peephole among n gates: there is none for the candidate, in front of the
/// output gate.
template <std::size_t n>
constexpr std::size_t peephole_place(std::size_t k) {
    return k == n - 1 ? k - 1 : k;
}

/// The gates with what they see through the peepholes.
template <class A, class P>
struct Peeping {
    const A& a;
    const P& p;

    template <std::size_t k>
    auto operator()(Place<k>) const {
        return std::get<k>(a);
    }
    template <std::size_t k>
    auto operator()(Place<k>, const auto& memory) const {
        return std::get<k>(a) + std::get<peephole_place<std::tuple_size_v<A>>(k)>(p) * memory;
    }
};

/// Each row of a [.., H] brought to mean 0 and variance 1, then scaled and shifted.
template <class T>
Var<T> normalised(const Var<T>& a, const Var<T>& gamma, const Var<T>& b, double epsilon) {
    return map([](auto x, auto scale, auto shift) { return x * scale + shift; },
               standardise(Operand<T>(a), epsilon), gamma, b);
}

/// All n gates of a [B, nH] at once.
template <class T>
Var<T> normalised_gates(const LstmVariantCell<T>& cell, const Var<T>& a, std::size_t n) {
    const Shape one = {n, a.shape()[1] / n};
    const Var<T> norm = normalised(reshape(a, {a.shape()[0], one[0], one[1]}), reshape(cell.gamma, one),
                                   reshape(cell.b, one), cell.options.layer_norm_epsilon);
    return reshape(norm, a.shape());
}

/// Gate by gate, where the peephole's part is normalised too.
template <bool coupled, class T>
std::array<Var<T>, 2> advance_peeping_and_normalised(const LstmVariantCell<T>& cell, const Var<T>& a,
                                                     const Var<T>& c) {
    constexpr std::size_t n = coupled ? 3 : 4;
    const auto pre_activation = [&]<std::size_t k>(Place<k>, const auto&... memory) {
        Var<T> gate = columns(a, k, n);
        ((gate = gate + columns(cell.p, peephole_place<n>(k), n - 1) * memory), ...);
        return normalised<T>(gate, columns(cell.gamma, k, n), columns(cell.b, k, n),
                             cell.options.layer_norm_epsilon);
    };
    const auto [hidden, memory] = advance_memory<coupled>(pre_activation, c, cell.options);
    return {hidden, memory};
}

/// h' (not projected) and c', from a = x U + h W and, unless it is normalised first, + b.
template <bool coupled, class T>
std::array<Var<T>, 2> advance(const LstmVariantCell<T>& cell, const Var<T>& a, const Var<T>& c) {
    constexpr std::size_t n = coupled ? 3 : 4;
    const LstmVariantOptions& options = cell.options;
    if (options.peephole && options.layer_norm) return advance_peeping_and_normalised<coupled>(cell, a, c);
    if (options.peephole)
        return map(
            [options](auto packed, auto peepholes, auto memory) {
                const Peeping<decltype(packed), decltype(peepholes)> gate{packed, peepholes};
                return advance_memory<coupled>(gate, memory, options);
            },
            gates<n>(a), gates<n - 1>(cell.p), c);
    return map(
        [options](auto packed, auto memory) {
            return advance_memory<coupled>(Plain<decltype(packed)>{packed}, memory, options);
        },
        gates<n>(options.layer_norm ? normalised_gates(cell, a, n) : a), c);
}

}  // namespace

template <class T>
LstmVariantCell<T>::LstmVariantCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
                                    LstmVariantOptions lstm_options)
    : options(lstm_options) {
    require_sizes("LstmVariantCell", input_size, hidden_size);
    require_options(options);
    const std::size_t H = hidden_size;
    const std::size_t n = options.coupled ? 3 : 4;
    const bool is_projected = options.projection != 0;
    const std::size_t state_size = is_projected ? options.projection : H;
    U = Parameter<T>("U", packed_xavier<T>(input_size, H, n, generator));
    W = Parameter<T>("W", packed_orthogonal<T>(state_size, H, n, generator));
    b = Parameter<T>("b", zeros<T>({n * H}));
    if (!options.coupled) gate_block(b, gate_names(), "forget").assign(options.forget_bias);
    if (options.peephole) p = Parameter<T>("p", zeros<T>({(n - 1) * H}));
    if (options.layer_norm) gamma = Parameter<T>("gamma", ones<T>({n * H}));
    if (is_projected) P = Parameter<T>("P", xavier_uniform<T>({H, state_size}, generator));
    if (options.projection_bias) b_projection = Parameter<T>("b_projection", zeros<T>({state_size}));
}

template <class T>
std::vector<std::string_view> LstmVariantCell<T>::gate_names() const {
    if (options.coupled) return {"input", "candidate", "output"};
    return {"input", "forget", "candidate", "output"};
}

template <class T>
std::vector<std::string_view> LstmVariantCell<T>::peephole_names() const {
    if (!options.peephole) return {};
    if (options.coupled) return {"input", "output"};
    return {"input", "forget", "output"};
}

template <class T>
typename LstmVariantCell<T>::State LstmVariantCell<T>::initial_state(std::size_t batch) const {
    const std::size_t H = b.shape()[0] / (options.coupled ? 3 : 4);
    return {input(zeros<T>({batch, W.shape()[0]})), input(zeros<T>({batch, H}))};
}

template <class T>
Var<T> LstmVariantCell<T>::project(const Var<T>& x) const {
    return options.layer_norm ? matmul(x, U) : affine(x, U, b);
}

template <class T>
std::pair<Var<T>, typename LstmVariantCell<T>::State> LstmVariantCell<T>::step(const Var<T>& u,
                                                                               const State& state) const {
    const auto& [h, c] = state;
    const Var<T> a = affine(h, W, u);
    const auto [hidden, memory] = options.coupled ? advance<true>(*this, a, c) : advance<false>(*this, a, c);
    Var<T> next = hidden;
    if (options.projection != 0)
        next = options.projection_bias ? affine(hidden, P, b_projection) : matmul(hidden, P);
    next = limited(next, options.projection_clip);
    return {next, {next, memory}};
}

template <class T>
ParameterList<T> LstmVariantCell<T>::parameters() {
    ParameterList<T> list = parameter_list(U, W, b);
    if (options.peephole) list.add(p);
    if (options.layer_norm) list.add(gamma);
    if (options.projection != 0) list.add(P);
    if (options.projection_bias) list.add(b_projection);
    return list;
}

template struct LstmVariantCell<float>;
template struct LstmVariantCell<double>;

}  // namespace tapeloop::nn
