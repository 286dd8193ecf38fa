#pragma once

#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <nn/closed_form/of_cell.hpp>
#include <nn/sequence/unroll.hpp>

/// A cell's closed form against the tape, for random states and cotangents.
namespace tapeloop::test {

inline nn::CellSequence<double> random_sequence(std::string_view seed, const Shape& x, std::size_t H,
                                                std::size_t parts) {
    Random random(seed);
    const Shape state{x[1], H};
    nn::CellSequence<double> run{random.tensor(x, -2, 2), {}, random.tensor({x[0], x[1], H}), {}};
    for (std::size_t part = 0; part < parts; ++part) {
        run.initial_state.push_back(random.tensor(state));
        run.final_state.push_back(random.tensor(state));
    }
    return run;
}

/// Parameters that are nowhere zero, and of which no two are alike.
template <class C>
void randomise(C& cell, std::string_view seed) {
    Random random(seed);
    for (const auto& entry : cell.parameters())
        entry.parameter->assign(random.tensor(entry.parameter->shape(), -0.7, 0.7));
}

/// The state of a cell as a list of Vars, and back.
inline std::vector<Var<double>> parts_of(const Var<double>& h) { return {h}; }
inline std::vector<Var<double>> parts_of(const std::array<Var<double>, 2>& state) {
    return {state[0], state[1]};
}
inline void enter(const Tensors& values, Var<double>& h) { h = input(values[0]); }
inline void enter(const Tensors& values, std::array<Var<double>, 2>& state) {
    state = {input(values[0]), input(values[1])};
}

/// Returns the gradients by the tape: parameters, x, then the initial state.
template <class C>
Tensors gradients_by_tape(C& cell, const nn::CellSequence<double>& run) {
    Tape<double> tape;
    const Var<double> x = input(run.x);
    nn::StateOf<C> initial;
    enter(run.initial_state, initial);
    const auto unrolled = nn::unroll(cell, x, initial);
    std::vector<GradientRoot<double>> roots{{unrolled.outputs, run.outputs}};
    const std::vector<Var<double>> last = parts_of(unrolled.state);
    for (std::size_t k = 0; k < last.size(); ++k) roots.push_back({last[k], run.final_state[k]});
    WrtList<double> wrt(cell.parameters());
    wrt.add(x);
    for (const Var<double>& part : parts_of(initial)) wrt.add(part);
    const Gradients<double> gradients = gradient(roots, wrt);
    return {gradients.begin(), gradients.end()};
}

template <class C>
void check_against_tape(C& cell, std::size_t I, std::size_t H, std::size_t parts) {
    for (std::size_t T : {1U, 2U, 3U, 7U, 50U})
        for (std::size_t B : {1U, 5U}) {
            CAPTURE(T);
            CAPTURE(B);
            randomise(cell, "parameters");
            const auto run = random_sequence("sequence", {T, B, I}, H, parts);
            const Tensors tape = gradients_by_tape(cell, run);
            const std::vector<nn::StepTerms<double>> steps = nn::closed_form_bptt(cell, run);
            REQUIRE(steps.size() == T);
            const std::size_t count = steps[0].parameters.size();
            REQUIRE(tape.size() == count + 1 + parts);
            for (std::size_t k = 0; k < count; ++k) {
                Tensor<double> sum = steps[0].parameters[k];
                for (std::size_t t = 1; t < T; ++t) sum += steps[t].parameters[k];
                check_close(sum, tape[k], 1e-12);
            }
            for (std::size_t t = 0; t < T; ++t) {
                Tensor<double> of_step = part_of(tape[count], 0, t, 1);
                of_step.reshape(std::vector<std::size_t>{B, I});
                check_close(steps[t].x, of_step, 1e-12);
            }
            for (std::size_t k = 0; k < parts; ++k)
                check_close(steps[0].state[k], tape[count + 1 + k], 1e-12);
        }
}

/// Checks what a step hands back, and its own terms: a sequence cut in two in front of it gives the same,
/// when the first part ends with what the second hands back.
template <class C>
void check_cut_sequence(C& cell, std::size_t I, std::size_t H, std::size_t parts) {
    randomise(cell, "parameters");
    const auto run = random_sequence("cut", {5, 2, I}, H, parts);
    const std::vector<nn::StepTerms<double>> whole = nn::closed_form_bptt(cell, run);
    auto first = run;
    first.x = part_of(run.x, 0, 0, 3);
    first.outputs = part_of(run.outputs, 0, 0, 3);
    first.final_state = whole[3].state;
    const std::vector<nn::StepTerms<double>> front = nn::closed_form_bptt(cell, first);
    for (std::size_t t = 0; t < 3; ++t) {
        for (std::size_t k = 0; k < whole[t].parameters.size(); ++k)
            check_same_bits(front[t].parameters[k], whole[t].parameters[k]);
        check_same_bits(front[t].x, whole[t].x);
        for (std::size_t k = 0; k < parts; ++k) check_same_bits(front[t].state[k], whole[t].state[k]);
    }
}

}  // namespace tapeloop::test
