#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <nn/check/cell/check_cell.hpp>
#include <nn/nn.hpp>

#include <optional>

// Cells that break a promise other than that of a right gradient: `check_cell` says which.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;

constexpr std::size_t units = 4;

/// A right Elman cell; those below break one promise each.
struct Elman {
    Parameter<double> U{"U", Random(1).tensor({2, units})};
    Parameter<double> W{"W", Random(2).tensor({units, units})};
    Parameter<double> b{"b", Random(3).tensor({units})};

    D initial_state(std::size_t batch) const { return input(filled({batch, units}, 0)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = tanh(matmul(x, U) + matmul(h, W) + b);
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W, b); }
};

struct CountsSteps : Elman {
    mutable double steps = 0;
    std::pair<D, D> step(const D& x, const D& h) const { return Elman::step(x * (1 + 0.1 * ++steps), h); }
};
struct KeepsItsState : Elman {
    mutable std::optional<Tensor<double>> kept;
    std::pair<D, D> step(const D& x, const D& h) const {
        const auto result =
            Elman::step(x, kept.has_value() && kept->shape() == h.value().shape() ? h + *kept : h);
        kept = result.second.value();
        return result;
    }
};
struct KeepsAVar : Elman {
    mutable std::optional<D> bias;  // recorded once, to save time
    std::pair<D, D> step(const D& x, const D& h) const {
        if (!bias.has_value()) bias = 1 * b;
        const D next = tanh(matmul(x, U) + matmul(h, W) + *bias);
        return {next, next};
    }
};
struct DrawsNumbers : Elman {
    mutable nn::Generator generator{1};
    std::pair<D, D> step(const D& x, const D& h) const {
        return Elman::step(x * nn::uniform<double>(x.shape(), 0.5, 1.5, generator), h);
    }
};
struct MixesRows : Elman {
    std::pair<D, D> step(const D& x, const D& h) const { return Elman::step(x - sum(x, 0, true) / 4.0, h); }
};
struct KnowsPlaces : Elman {
    std::pair<D, D> step(const D& x, const D& h) const {
        return Elman::step(
            x * generate(x.shape(), [](const Position& p) { return 1.0 + static_cast<double>(p[0]); }), h);
    }
};
struct MixesTimes : Elman {
    D project(const D& x) const { return x.shape().rank() == 3 ? x - 0.5 * sum(x, 0, true) : x; }
};
struct ReversesTimes : Elman {
    D project(const D& x) const { return x.shape().rank() == 3 ? flip(x, 0) : x; }
};
struct ListsTooFew : Elman {
    ParameterList<double> parameters() { return parameter_list(U, W); }
};
struct ListsTooMany : Elman {
    Parameter<double> V{"V", filled({3}, 0)};
    ParameterList<double> parameters() { return parameter_list(U, W, b, V); }
};
struct ListsTwice : Elman {
    ParameterList<double> parameters() { return parameter_list(U, W, b, W); }
};
struct SameNames : Elman {
    SameNames() { b = Parameter<double>("W", b.value()); }
};
struct NoName : Elman {
    NoName() { b = Parameter<double>("", b.value()); }
};
struct ChangesShape : Elman {
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = Elman::step(x, columns(h, 0, h.shape()[1] / units)).second;
        return {next, concatenate({next, next}, 1)};
    }
};
struct BatchBehind : Elman {
    D initial_state(std::size_t batch) const { return input(filled({units, batch}, 0)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = Elman::step(x, transpose(h, {1, 0})).second;
        return {next, transpose(next, {1, 0})};
    }
};
struct RandomStart : Elman {
    mutable nn::Generator generator{1};
    D initial_state(std::size_t batch) const {
        return input(nn::uniform<double>({batch, units}, -1, 1, generator));
    }
};
struct NeedsRows : Elman {
    std::pair<D, D> step(const D& x, const D& h) const { return Elman::step(x + 0 * slice(x, 0, 0, 1), h); }
};
struct TwoFunctions : Elman {
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = map(
            [](auto a) {
                if constexpr (std::is_same_v<decltype(a), D>)
                    return tanh(a) * 1.001;
                else
                    return tanh(a);
            },
            matmul(x, U) + matmul(h, W) + b);
        return {next, next};
    }
};
struct OutputOfOneRow : Elman {
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = Elman::step(x, h).second;
        return {sum(next, 0, true), next};
    }
};
struct LearntStart : Elman {
    Parameter<double> h0{"h0", Random(5).tensor({units})};
    D initial_state(std::size_t batch) const { return broadcast_to(h0, {batch, units}); }
    ParameterList<double> parameters() { return parameter_list(U, W, b, h0); }
};
struct StartOfAValue : LearntStart {
    D initial_state(std::size_t batch) const { return input(repeated(h0.value(), {batch, units})); }
};
/// Hands a table of weights on in its state, which has no batch.
struct CarriesATable : Elman {
    std::pair<D, D> initial_state(std::size_t batch) const {
        return {Elman::initial_state(batch), input(Random(6).tensor({units, units}))};
    }
    std::pair<D, std::pair<D, D>> step(const D& x, const std::pair<D, D>& state) const {
        const D next = Elman::step(x, matmul(state.first, state.second)).second;
        return {next, {next, state.second}};
    }
};

/// The items that fail, which must hold `item`; its text must hold `fragment`.
template <class C>
void check_broken(const char* item, const char* fragment) {
    CAPTURE(item);
    C cell;
    const nn::CellReport report = nn::check_cell(cell, 2);
    CHECK_MESSAGE(!report.passed(), report.text());
    CHECK_MESSAGE(report[item].verdict == nn::CellVerdict::failed, report.text());
    CHECK_MESSAGE(contains(report[item].text, fragment), report.text());
    CHECK(report.text().size() < 12'000);
}

}  // namespace

TEST_CASE("check_cell: a state that is kept in the cell is found, however it is kept") {
    check_broken<CountsSteps>("no state in the cell", "must be in the state");
    check_broken<KeepsItsState>("no state in the cell", "after another sequence");
    check_broken<KeepsAVar>("shapes", "it throws: var: its tape is gone");
    check_broken<DrawsNumbers>("no state in the cell", "must be in the state");
    check_broken<DrawsNumbers>("same bits", "again");
    check_broken<CountsSteps>("save and restore", "resumed behind t=0");
}

TEST_CASE("check_cell: rows that depend on other rows or on their place") {
    check_broken<MixesRows>("padded batch", "alone; a row may depend on no other row");
    check_broken<KnowsPlaces>("padded batch", "in the row 1");
    check_broken<KnowsPlaces>("permuted batch", "in another one");
    check_broken<NeedsRows>("B = 0", "it throws: slice");
}

TEST_CASE("check_cell: a projection of all time steps at once that is not that of each") {
    check_broken<MixesTimes>("step by step", "by unroll");
    check_broken<MixesTimes>("save and restore", "resumed");
    check_broken<ReversesTimes>("step by step", "outputs at [0, 0, 0]");
    check_broken<ReversesTimes>("padded batch", "alone");
}

TEST_CASE("check_cell: parameters that are not listed, not used, twice, or without a name of their own") {
    check_broken<ListsTooFew>("parameters", "it reads 'b', which parameters() does not list");
    check_broken<ListsTooMany>("parameters", "'V' is listed, but neither");
    check_broken<ListsTwice>("parameters", "'W' and 'W' are one parameter");
    check_broken<SameNames>("parameters", "two parameters are called 'W'");
    check_broken<NoName>("parameters", "parameter 2 of the list has no name");
    check_broken<StartOfAValue>("parameters", "'h0' is listed");
    check_broken<StartOfAValue>("gradient of the parameters", "h0: no gradient");
}

TEST_CASE("check_cell: states and outputs of wrong shapes end the check with what to do") {
    check_broken<ChangesShape>("shapes", "it must keep the shapes");
    check_broken<BatchBehind>("initial state", "its first axis must be the batch");
    check_broken<RandomStart>("initial state", "every row must start alike");
    check_broken<OutputOfOneRow>("shapes", "[B, ..] for each of 3 rows");
    BatchBehind cell;
    CHECK(contains(nn::check_cell(cell, 2).text(), "the other items were not tried"));
}

TEST_CASE("check_cell: a function of map that does something else for Vars") {
    check_broken<TwoFunctions>("map and plain operations", "fused");
    check_broken<TwoFunctions>("second order", "recorded rule differs");
}

TEST_CASE("check_cell: a learnt initial state, and a part of the state without a batch, are right") {
    LearntStart learnt;
    const nn::CellReport report = nn::check_cell(learnt, 2);
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(!contains(report["gradient of the parameters"].text, "no influence"));
    CarriesATable table;
    const nn::CellReport with_table = nn::check_cell(table, 2);
    CHECK_MESSAGE(with_table.passed(), with_table.text());
}

TEST_CASE("watch: in a cell, the exception names the time step and the cell's line") {
    struct Divides : Elman {
        std::pair<D, D> step(const D& x, const D& h) const { return Elman::step(x / x, h); }
    };
    Divides cell;
    Tensor<double> x = Random(7).tensor({5, 2, 2}, 0.5, 1);
    x(3, 1, 0) = 0;
    const Tape<double> tape({.fuse = true, .watch = true});
    try {
        nn::unroll(cell, x);
        FAIL("nothing was thrown");
    } catch (const NonFinite& error) {
        CHECK(error.details().operation == "divide");
        CHECK(error.details().label == "t=3");
        CHECK(error.details().file.ends_with("cell_promises_test.cpp"));
        CHECK(error.details().result.nan == 1);
        CHECK(error.details().inputs.at(0).min == 0);
        CHECK(contains(error.what(), "t=3"));
    }
}
