#include <tests/autograd/check/seeds.hpp>
#include <tests/autograd/ops/row_check.hpp>
#include <tests/expect.hpp>

#include <nn/check/cell/check_cell.hpp>
#include <nn/nn.hpp>

// A check that cries wolf is switched off: on every operation of the library, at random points that may lie
// anywhere, kinks included, and on every cell, it finds nothing. TAPELOOP_CHECK_SEEDS says how many seeds are
// tried, in all of the tests for false alarms.

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("check_gradient: no false alarm on any operation, first and second order") {
    std::size_t checks = 0;
    std::size_t compared = 0;
    std::size_t undecided = 0;
    for (const Row& row : all_rows()) {
        if (row.name == "detach") continue;  // passes no gradient though it depends on its argument
        for (const std::vector<Shape>& shapes : row.samples)
            for (const std::uint64_t seed : seeds_to_try(2)) {
                const GradientReport report =
                    check_row(row, shapes, {.order = 2, .seed = seed, .diagnose = false});
                CHECK_MESSAGE(report.passed(), row.text() << ", seed " << seed << "\n" << report.text());
                ++checks;
                for (const CheckedInput& one : report.inputs) {
                    compared += one.compared;
                    undecided += one.undecided;
                }
            }
    }
    CHECK(checks > 500);
    CHECK(undecided * 1000 < compared);  // it passes for what it knows, not for what it does not
}

namespace {

/// Calls `use` with a cell of every kind, as small as they come.
template <class Use>
void for_every_cell(nn::Generator& generator, const Use& use) {
    constexpr std::size_t I = 2;
    constexpr std::size_t H = 2;
    for (const auto activation : {nn::Activation::tanh, nn::Activation::relu, nn::Activation::sigmoid})
        use(nn::ElmanCell<double>(I, H, generator, {activation}));
    use(nn::LstmCell<double>(I, H, generator));
    for (const auto update : {nn::Update::keeps, nn::Update::takes}) {
        use(nn::GruCell<double>(I, H, generator, {.update = update}));
        use(nn::ResetBeforeGruCell<double>(I, H, generator, {.update = update}));
        use(nn::MinimalGruCell<double>(I, H, generator, {.update = update}));
    }
    for (unsigned bits = 0; bits < 16; ++bits) {
        nn::LstmVariantOptions options;
        options.peephole = (bits & 1U) != 0;
        options.coupled = (bits & 2U) != 0;
        options.projection = (bits & 4U) != 0 ? 1 : 0;
        options.layer_norm = (bits & 8U) != 0;
        options.layer_norm_epsilon = 0.1;  // else so curved that differences are coarse
        use(nn::LstmVariantCell<double>(I, H, generator, options));
    }
    use(nn::MinGruCell<double>(I, H, generator));
    use(nn::MinLstmCell<double>(I, H, generator));
    use(nn::SruCell<double>(I, H, generator));
    use(nn::SruCell<double>(I, H + 1, generator));
    use(nn::QrnnCell<double>(I, H, generator));
    use(nn::SelectiveSsmCell<double>(I, H, generator));
    use(nn::LruCell<double>(I, H, generator));
    use(nn::Zoneout(nn::LstmCell<double>(I, H, generator)));
    use(nn::RecurrentDropout(nn::GruCell<double>(I, H, generator), 0.2));
    use(nn::Residual(nn::ElmanCell<double>(I, I, generator)));
    use(nn::Bidirectional(nn::ElmanCell<double>(I, H, generator), nn::GruCell<double>(I, H, generator)));
    use(nn::AttentionCell(nn::ElmanCell<double>(I + 2, H, generator),
                          nn::AdditiveAttention<double>(H, 2, 2, generator), 2));
    use(nn::Stack<double>(nn::LstmCell<double>(I, H, generator), nn::ElmanCell<double>(H, H, generator)));
}

}  // namespace

TEST_CASE("check_cell: no false alarm on any cell, first and second order") {
    std::size_t checks = 0;
    for (const std::uint64_t seed : seeds_to_try(2)) {
        nn::Generator generator(seed);
        for_every_cell(generator, [&](auto cell) {
            nn::CellCheckOptions options{.seed = seed, .time_steps = 3, .batch = 2};
            options.gradient.diagnose = false;
            const nn::CellReport report = nn::check_cell(cell, 2, options);
            CHECK_MESSAGE(report.passed(), "cell " << checks << ", seed " << seed << "\n" << report.text());
            ++checks;
        });
    }
    CHECK(checks >= 30 * seeds_to_try(2).size());
}
