// Is my cell right? A gated cell with an operation of its own and two mistakes goes through `check_cell`;
// each report says what is wrong, and the next version mends it.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <autograd/check/check.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>
#include <nn/study/study.hpp>

using namespace tapeloop;
using Vard = Var<double>;

/// z old + (1 - z) next, the heart of a gated cell, as one operation with three rules. The rule for z is
/// given.
template <class RuleForZ>
auto mix_with(RuleForZ rule_for_z) {
    return custom(
        "mix", [](const auto& z, const auto& old, const auto& next) { return z * old + (1 - z) * next; },
        rule_for_z, [](const auto& g, const auto&, const auto& z, const auto&, const auto&) { return g * z; },
        [](const auto& g, const auto&, const auto& z, const auto&, const auto&) { return g * (1 - z); });
}

/// dJ/dz = g (old - next), with the difference the wrong way round.
const auto wrong_mix = mix_with([](const auto& g, const auto&, const auto&, const auto& old,
                                   const auto& next) { return g * (next - old); });
const auto right_mix = mix_with([](const auto& g, const auto&, const auto&, const auto& old,
                                   const auto& next) { return g * (old - next); });

/// z = s(x U_z + h W_z), n = tanh(x U_n + h W_n), h' = z h + (1 - z) n. Its state is h.
struct GatedCell {
    Parameter<double> U, W;  // [I, 2H], [H, 2H]

    GatedCell(std::size_t inputs, std::size_t hidden, nn::Generator& generator)
        : U("U", nn::packed_xavier<double>(inputs, hidden, 2, generator)),
          W("W", nn::packed_orthogonal<double>(hidden, 2, generator)) {}

    Vard initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, W.shape()[0]})); }
    Vard project(const Vard& x) const { return matmul(x, U); }
    ParameterList<double> parameters() { return parameter_list(U, W); }

    template <class Mix>
    std::pair<Vard, Vard> step_with(const Mix& mix, const Vard& u, const Vard& h) const {
        const Vard a = u + matmul(h, W);
        const Vard next = mix(sigmoid(columns(a, 0, 2)), h, tanh(columns(a, 1, 2)));
        return {next, next};
    }
};

/// The first version. It also smooths its input with the one before, which it remembers in a member.
struct FirstVersion : GatedCell {
    using GatedCell::GatedCell;
    mutable Tensor<double> before;

    std::pair<Vard, Vard> step(const Vard& u, const Vard& h) const {
        const bool fits = before.dimension() == 2 && shape_of(before) == u.shape();
        const Vard smooth = fits ? 0.5 * u + 0.5 * before : u;
        before = u.value();
        return step_with(wrong_mix, smooth, h);
    }
};

/// The second: what one step hands to the next is in the state.
struct SecondVersion : GatedCell {
    using GatedCell::GatedCell;

    std::pair<Vard, Vard> initial_state(std::size_t batch) const {
        return {GatedCell::initial_state(batch), input(nn::zeros<double>({batch, U.shape()[1]}))};
    }
    std::pair<Vard, std::pair<Vard, Vard>> step(const Vard& u, const std::pair<Vard, Vard>& state) const {
        const auto& [h, before] = state;
        const Vard next = step_with(wrong_mix, 0.5 * u + 0.5 * before, h).second;
        return {next, {next, u}};
    }
};

/// The third, with the right rule.
struct ThirdVersion : SecondVersion {
    using SecondVersion::SecondVersion;

    std::pair<Vard, std::pair<Vard, Vard>> step(const Vard& u, const std::pair<Vard, Vard>& state) const {
        const auto& [h, before] = state;
        const Vard next = step_with(right_mix, 0.5 * u + 0.5 * before, h).second;
        return {next, {next, u}};
    }
};

int main() {
    nn::Generator generator(1);
    constexpr std::size_t inputs = 4;

    FirstVersion first(inputs, 5, generator);
    const nn::CellReport of_first = nn::check_cell(first, inputs);
    fmt::print("1. A cell as it came to mind.\n\n{}", of_first.text());
    fmt::print(
        "\n'no state in the cell' says why so much fails: `before` lives on between sequences and rows.\n"
        "A cell that keeps something cannot be checked for anything else. Move it into the state.\n");

    SecondVersion second(inputs, 5, generator);
    const nn::CellReport of_second = nn::check_cell(second, inputs);
    fmt::print("\n2. With `before` in the state.\n\n{}", of_second.text());
    fmt::print(
        "\nThe cell is sound, its gradient is not: all findings name the rule of `mix` for its argument 0,\n"
        "which is z. Look at it alone:\n\n");
    const auto alone = [](const auto& mix) {
        nn::Generator numbers(2);
        const auto draw = [&] { return nn::uniform<double>({2, 3}, -1, 1, numbers); };
        return check_gradient(mix, {{"z", draw()}, {"old", draw()}, {"next", draw()}});
    };
    const GradientReport of_wrong_mix = alone(wrong_mix);
    fmt::print("{}", of_wrong_mix.text());
    fmt::print("\nA sign: d(z old + (1 - z) next)/dz is old - next.\n");

    ThirdVersion third(inputs, 5, generator);
    const nn::CellReport of_third = nn::check_cell(third, inputs);
    fmt::print("\n3. With the right rule.\n\n{}", of_third.text());

    const nn::BpttReport of_second_bptt =
        nn::verify_bptt(second, nn::normal<double>({5, 2, inputs}, 0, 1, generator));
    const nn::BpttReport of_third_bptt =
        nn::verify_bptt(third, nn::normal<double>({5, 2, inputs}, 0, 1, generator));
    fmt::print(
        "\nIts gradient through time, in independent ways. Of the wrong cell:\n\n{}\nof the right one:\n\n{}",
        of_second_bptt.text(), of_third_bptt.text());

    const Tensor<double> x = nn::normal<double>({32, 4, inputs}, 0, 1, generator);
    fmt::print("\nIt can be trained now. How far back has BPTT to look?\n\n{}",
               nn::truncation_report(third, x, {1, 2, 4, 8, 16, 32}).text());

    const bool as_expected = of_first["no state in the cell"].verdict == nn::CellVerdict::failed &&
                             of_second["no state in the cell"].verdict == nn::CellVerdict::passed &&
                             of_second.gradient.has(Diagnosis::sign) && of_wrong_mix.has(Diagnosis::sign) &&
                             of_third.passed() && !of_second_bptt.passed() && of_third_bptt.passed();
    return as_expected ? 0 : 1;
}
