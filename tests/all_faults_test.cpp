#include "expect.hpp"
#include "row_check.hpp"

#include <autograd/autograd.hpp>
#include <autograd/check/fault.hpp>
#include <nn/check/check_cell.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <set>

// How good are the checks? Every fault of every operation and of every cell is planted, and must be noticed.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Whether the fault makes no difference at this point, as where an argument gets nothing anyway.
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

template <class C>
std::size_t check_all_faults(C cell) {
    const auto passes = [&] {
        nn::CellCheckOptions options{.time_steps = 3, .batch = 2};
        options.gradient = {.order = 1, .diagnose = false};
        return nn::check_cell(cell, 2, options).passed();
    };
    const FaultReport report = try_faults(faults_of_cell(cell), {{"check_cell", passes}});
    CHECK_MESSAGE(report.unnoticed().empty(), report.text());
    return report.trials.size() - report.unused().size();
}

}  // namespace

TEST_CASE("all faults: check_gradient notices every fault of every operation") {
    std::size_t noticed = 0;
    std::set<std::string> without_effect;
    for (const Row& row : all_rows()) {
        if (row.name == "detach") continue;  // has no rule
        for (const std::vector<Shape>& shapes : row.samples) {
            const CheckOptions options{.seed = 1, .diagnose = false};
            const Tensors right = gradients_of_row(row, shapes, 1);
            for (const Fault& fault : faults_of([&] { gradients_of_row(row, shapes, 1); })) {
                const InjectedFault<double> injected(fault);
                if (changes_nothing(right, gradients_of_row(row, shapes, 1))) {
                    without_effect.insert(row.name + ": " + fault.text());
                    continue;
                }
                const GradientReport report = check_row(row, shapes, options);
                CHECK_MESSAGE(!report.passed(), row.text() << ", " << fault.text() << "\n" << report.text());
                ++noticed;
            }
        }
    }
    for (const std::string& one : without_effect) MESSAGE(one);
    CHECK(noticed > 500);
}

TEST_CASE("all faults: check_cell notices every fault of every cell, at one time step too") {
    nn::Generator generator(4);
    constexpr std::size_t I = 2;
    constexpr std::size_t H = 2;
    std::size_t faults = 0;
    for (const auto activation : {nn::Activation::tanh, nn::Activation::sigmoid})
        faults += check_all_faults(nn::ElmanCell<double>(I, H, generator, {activation}));
    faults += check_all_faults(nn::LstmCell<double>(I, H, generator));
    for (const auto update : {nn::Update::keeps, nn::Update::takes}) {
        faults += check_all_faults(nn::GruCell<double>(I, H, generator, {.update = update}));
        faults += check_all_faults(nn::ResetBeforeGruCell<double>(I, H, generator, {.update = update}));
        faults += check_all_faults(nn::MinimalGruCell<double>(I, H, generator, {.update = update}));
    }
    nn::LstmVariantOptions all{
        .peephole = true, .projection = 2, .projection_bias = true, .layer_norm = true};
    all.layer_norm_epsilon = 0.1;
    faults += check_all_faults(nn::LstmVariantCell<double>(I, H, generator, all));
    faults += check_all_faults(nn::LstmVariantCell<double>(I, H, generator, {.coupled = true}));
    faults += check_all_faults(nn::Zoneout(nn::LstmCell<double>(I, H, generator)));
    faults += check_all_faults(nn::RecurrentDropout(nn::GruCell<double>(I, H, generator), 0.2));
    faults += check_all_faults(nn::Residual(nn::ElmanCell<double>(I, I, generator)));
    faults += check_all_faults(
        nn::Bidirectional(nn::ElmanCell<double>(I, H, generator), nn::GruCell<double>(I, H, generator)));
    faults += check_all_faults(nn::AttentionCell(nn::ElmanCell<double>(I + 2, H, generator),
                                                 nn::AdditiveAttention<double>(H, 2, 2, generator), 2));
    faults += check_all_faults(
        nn::Stack<double>(nn::LstmCell<double>(I, H, generator), nn::ElmanCell<double>(H, H, generator)));
    CHECK(faults > 300);
    MESSAGE(faults << " faults of cells");
}
