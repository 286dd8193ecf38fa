#include <tests/autograd/ops/row_check.hpp>
#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/fault.hpp>
#include <nn/check/cell/check_cell.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <set>

// How good are the checks? Every fault of every operation and of every cell is planted, and must be noticed.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Returns whether the fault makes no difference at this point, as where an argument gets nothing anyway.
bool changes_nothing(const Tensors& right, const Tensors& faulty) {
    double change = 0;
    double size = 0;
    for (std::size_t k = 0; k < right.size(); ++k)
        for (std::size_t i = 0; i < right[k].size(); ++i) {
            change = std::max(change, std::abs(right[k].data()[i] - faulty[k].data()[i]));
            size = std::max(size, std::abs(right[k].data()[i]));
        }
    return change <= 1e-12 * size;
}

/// Every fault of what a cell records, once all over and once at a single time step.
template <class C>
std::vector<Fault> faults_of_cell(C& cell) {
    const auto record = [&] {
        const Tape<double> tape;
        nn::unroll(cell, input(filled({3, 2, 2}, 0.5)));
    };
    std::vector<Fault> faults = faults_of(record);
    const std::size_t all_over = faults.size();
    for (std::size_t k = 0; k < all_over; ++k) {
        faults.push_back(faults[k]);
        faults.back().label = "t=1";
    }
    faults.push_back({.kind = Fault::Kind::freeze, .operation = "", .label = "t=1"});
    return faults;
}

/// Returns the gradients by x and all parameters.
template <class C>
Tensors gradients_of_cell(C& cell) {
    Random random("faults of cells");
    const Tape<double> tape;
    const Var<double> x = input(random.tensor({3, 2, 2}));
    const Var<double> outputs = nn::unroll(cell, x).outputs;
    WrtList<double> wrt(cell.parameters());
    const std::vector<GradientRoot<double>> roots{{outputs, random.tensor(outputs.shape())}};
    const Gradients<double> gradients = gradient(roots, wrt.add(x));
    return {gradients.begin(), gradients.end()};
}

constexpr std::size_t I = 2;
constexpr std::size_t H = 2;

/// Returns how many faults there were.
template <class C>
std::size_t check_all_faults(C cell) {
    const auto passes = [&] {
        nn::CellCheckOptions options{.time_steps = 3, .batch = 2, .order = 1};
        options.gradient.diagnose = false;
        return nn::check_cell(cell, 2, options).passed();
    };
    const FaultReport report = try_faults(faults_of_cell(cell), {{"check_cell", passes}});
    const Tensors right = gradients_of_cell(cell);
    for (const Fault& fault : report.unnoticed()) {
        // Arguments that are added up get the same, and a mask gets nothing, whatever the fault.
        const InjectedFault<double> injected(fault);
        const bool is_none = changes_nothing(right, gradients_of_cell(cell));
        CHECK_MESSAGE(is_none, fault.text() << "\n" << report.text());
    }
    return report.trials.size() - report.unused().size() - report.unnoticed().size();
}

}  // namespace

TEST_CASE("all faults: check_gradient notices every fault of every operation") {
    std::set<std::string> noticed;
    std::set<std::string> without_effect;
    for (const Row& row : all_rows()) {
        if (row.name == "detach") continue;  // has no rule
        for (const std::vector<Shape>& shapes : row.samples) {
            const CheckOptions options{.seed = 1, .diagnose = false};
            const Tensors right = gradients_of_row(row, shapes, 1);
            if (inner(right, right) == 0) continue;  // as where there are no elements
            for (const Fault& fault : faults_of([&] { gradients_of_row(row, shapes, 1); })) {
                const InjectedFault<double> injected(fault);
                if (changes_nothing(right, gradients_of_row(row, shapes, 1))) {
                    without_effect.insert(fault.text());
                    continue;
                }
                const GradientReport report = check_row(row, shapes, options);
                CHECK_MESSAGE(!report.passed(), row.text() << ", " << fault.text() << "\n" << report.text());
                noticed.insert(fault.text());
            }
        }
    }
    // Comparisons and conditions have no gradient that could be wrong.
    for (const std::string& fault : noticed) without_effect.erase(fault);
    for (const std::string& fault : without_effect)
        CHECK_MESSAGE(
            (contains(fault, "less") || contains(fault, "equal") || contains(fault, "where, argument 0")),
            fault);
    CHECK(noticed.size() > 150);
}

TEST_CASE("all faults: check_cell notices every fault of every cell, at one time step too") {
    nn::Generator generator(4);
    std::size_t faults = 0;
    for (const auto activation : {nn::Activation::tanh, nn::Activation::sigmoid})
        faults += check_all_faults(nn::ElmanCell<double>(I, H, generator, {activation}));
    faults += check_all_faults(nn::LstmCell<double>(I, H, generator));
    for (const auto update : {nn::Update::keeps, nn::Update::takes}) {
        faults += check_all_faults(nn::GruCell<double>(I, H, generator, {.update = update}));
        faults += check_all_faults(nn::ResetBeforeGruCell<double>(I, H, generator, {.update = update}));
        faults += check_all_faults(nn::MinimalGruCell<double>(I, H, generator, {.update = update}));
    }
    CHECK(faults > 100);
}

TEST_CASE("all faults: check_cell notices every fault of the LSTM's variants") {
    nn::Generator generator(4);
    nn::LstmVariantOptions all{
        .peephole = true, .projection = 2, .projection_bias = true, .layer_norm = true};
    all.layer_norm_epsilon = 0.1;
    std::size_t faults = check_all_faults(nn::LstmVariantCell<double>(I, H, generator, all));
    faults += check_all_faults(nn::LstmVariantCell<double>(I, H, generator, {.coupled = true}));
    CHECK(faults > 50);
}

TEST_CASE("all faults: check_cell notices every fault of what is around cells") {
    nn::Generator generator(4);
    std::size_t faults = check_all_faults(nn::Zoneout(nn::LstmCell<double>(I, H, generator)));
    faults += check_all_faults(nn::RecurrentDropout(nn::GruCell<double>(I, H, generator), 0.2));
    faults += check_all_faults(nn::Residual(nn::ElmanCell<double>(I, I, generator)));
    faults += check_all_faults(
        nn::Bidirectional(nn::ElmanCell<double>(I, H, generator), nn::GruCell<double>(I, H, generator)));
    faults += check_all_faults(nn::AttentionCell(nn::ElmanCell<double>(I + 2, H, generator),
                                                 nn::AdditiveAttention<double>(H, 2, 2, generator), 2));
    faults += check_all_faults(
        nn::Stack<double>(nn::LstmCell<double>(I, H, generator), nn::ElmanCell<double>(H, H, generator)));
    CHECK(faults > 100);
}
