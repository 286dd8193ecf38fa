#include <autograd/check/judge/random.hpp>
#include <nn/check/bptt/verified_run.hpp>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

/// Returns the offset of the sequence's start from the cell's initial state.
template <class T>
std::vector<Tensor<T>> offsets_for(const CellUnderCheck<T>& cell, std::size_t batch,
                                   const BpttOptions& options, std::uint64_t seed) {
    const Tape<T> tape;
    tapeloop::detail::CheckRandom random(seed + 1);
    return offsets_from(cell.layer.initial_state(batch), starting_state(options), "verify_bptt", random);
}

template <class T>
CheckOptions options_of_check(const VerifiedRun<T>& run, bool diagnose) {
    CheckOptions options = run.options.gradient;
    options.order = 1;
    options.seed = run.seed;
    options.diagnose = diagnose;
    options.result.axes = {"time", "batch", "unit"};
    return options;
}

}  // namespace

template <class T>
VerifiedRun<T> verified_run(const CellUnderCheck<T>& cell, const BpttLoss<T>& loss, const Tensor<T>& x,
                            const BpttOptions& options) {
    constexpr bool fine = sizeof(T) == 8;
    VerifiedRun<T> run{cell, loss, options, tapeloop::detail::seed_of({.seed = options.seed}), {}, {}, {}};
    if (run.options.exact_limit <= 0) run.options.exact_limit = fine ? 1e-11 : 1e-4;
    if (run.options.difference_limit <= 0) run.options.difference_limit = fine ? 1e-6 : 2e-2;
    run.offsets = offsets_for(cell, x.shape(1), options, run.seed);
    run.tape = run_tape(cell, loss, x, run.offsets, run.seed);
    run.names = term_names(cell, run.offsets);
    return run;
}

template <class T>
GradientReport check_sequence(const VerifiedRun<T>& run, bool diagnose) {
    const CheckFunction<T> f = [&run](const std::vector<Var<T>>& arguments) {
        const Parts<T> offsets(arguments.begin() + 1, arguments.end());
        const Parts<T> start = start_of(run.cell, arguments[0].shape()[1], offsets);
        const auto unrolled = unroll(run.cell.layer, arguments[0], start);
        return run.loss(unrolled.outputs, unrolled.state);
    };
    return check_function(f, inputs_of(run.cell, run.names, run.tape.run.x, run.offsets),
                          options_of_check(run, diagnose));
}

template <class T>
GradientReport check_step(const VerifiedRun<T>& run, std::size_t t) {
    const StepPoint<T>& point = run.tape.points[t];
    return check_function(function_of_step(run.cell), inputs_of(run.cell, run.names, point.x, point.state),
                          options_of_check(run, true));
}

template <class T>
std::optional<GradientReport> check_own_start(const VerifiedRun<T>& run) {
    if (!run.options.random_initial_state || !run.options.initial_state.empty()) return {};
    std::vector<Tensor<T>> state = run.tape.points[0].state;
    {
        const Tape<T> tape;
        const Parts<T> initial = run.cell.layer.initial_state(run.tape.run.x.shape(1));
        for (std::size_t k = 0; k < initial.size(); ++k)
            if (!is_open(initial[k].shape())) state[k] = initial[k].value();
    }
    return check_function(function_of_step(run.cell),
                          inputs_of(run.cell, run.names, run.tape.points[0].x, state),
                          options_of_check(run, true));
}

template <class T>
bool loss_is_right(const VerifiedRun<T>& run) {
    const CheckFunction<T> f = [&run](const std::vector<Var<T>>& arguments) {
        return run.loss(arguments[0], Parts<T>(arguments.begin() + 1, arguments.end()));
    };
    std::vector<CheckInput<T>> inputs{{"outputs", run.tape.results.output}};
    for (const Tensor<T>& part : run.tape.results.state) inputs.emplace_back("final state", part);
    for (const auto& entry : run.cell.parameters) inputs.emplace_back(entry.path, *entry.parameter);
    return check_function(f, inputs, options_of_check(run, false)).passed();
}

template <class T>
bool initial_state_is_right(const VerifiedRun<T>& run) {
    const CheckFunction<T> f = [&run](const std::vector<Var<T>>&) {
        return run.cell.layer.initial_state(run.tape.run.x.shape(1));
    };
    std::vector<CheckInput<T>> inputs;
    for (const auto& entry : run.cell.parameters) inputs.emplace_back(entry.path, *entry.parameter);
    return run.offsets.empty() || inputs.empty() ||
           check_function(f, inputs, options_of_check(run, false)).passed();
}

#define TAPELOOP_VERIFIED_RUN(T)                                                                         \
    template VerifiedRun<T> verified_run(const CellUnderCheck<T>&, const BpttLoss<T>&, const Tensor<T>&, \
                                         const BpttOptions&);                                            \
    template GradientReport check_sequence(const VerifiedRun<T>&, bool);                                 \
    template GradientReport check_step(const VerifiedRun<T>&, std::size_t);                              \
    template std::optional<GradientReport> check_own_start(const VerifiedRun<T>&);                       \
    template bool loss_is_right(const VerifiedRun<T>&);                                                  \
    template bool initial_state_is_right(const VerifiedRun<T>&);

TAPELOOP_VERIFIED_RUN(float)
TAPELOOP_VERIFIED_RUN(double)

#undef TAPELOOP_VERIFIED_RUN

}  // namespace tapeloop::nn::detail
