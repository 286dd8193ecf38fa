// All headers in one file: no two of them may declare the same name differently.
#include <autograd/autograd.hpp>
#include <autograd/check/check.hpp>
#include <autograd/custom.hpp>
#include <autograd/derivatives.hpp>
#include <autograd/elementwise.hpp>
#include <autograd/gradient.hpp>
#include <autograd/kernels/array.hpp>
#include <autograd/kernels/as_double.hpp>
#include <autograd/kernels/lanes.hpp>
#include <autograd/kernels/norm.hpp>
#include <autograd/kernels/pass.hpp>
#include <autograd/kernels/pool.hpp>
#include <autograd/kernels/products/blas.hpp>
#include <autograd/kernels/products/gemm.hpp>
#include <autograd/kernels/products/product.hpp>
#include <autograd/kernels/products/repeated_products.hpp>
#include <autograd/kernels/products/tiled_gemm.hpp>
#include <autograd/kernels/reduction.hpp>
#include <autograd/kernels/strided.hpp>
#include <autograd/kernels/threads.hpp>
#include <autograd/map.hpp>
#include <autograd/map/dual.hpp>
#include <autograd/map/map_operation.hpp>
#include <autograd/map/map_streams.hpp>
#include <autograd/ops/elementary.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/prod.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/parameter.hpp>
#include <autograd/record/defined_operations.hpp>
#include <autograd/record/definition.hpp>
#include <autograd/record/description.hpp>
#include <autograd/record/observer.hpp>
#include <autograd/record/onnx_value.hpp>
#include <autograd/record/operation.hpp>
#include <autograd/shape.hpp>
#include <autograd/study/derivation/derivation.hpp>
#include <autograd/study/derivation/equations.hpp>
#include <autograd/study/derivation/formula.hpp>
#include <autograd/study/derivation/latex.hpp>
#include <autograd/study/derivation/node_names.hpp>
#include <autograd/study/derivation/numerals.hpp>
#include <autograd/study/explain/answer.hpp>
#include <autograd/study/explain/explain.hpp>
#include <autograd/study/explain/explainer.hpp>
#include <autograd/study/explain/hop_symptoms.hpp>
#include <autograd/study/explain/lost_cotangents.hpp>
#include <autograd/study/explain/size_culprits.hpp>
#include <autograd/study/flow/backward_wave.hpp>
#include <autograd/study/flow/gate_saturation.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/flow/gradient_norms.hpp>
#include <autograd/study/flow/gradient_path.hpp>
#include <autograd/study/flow/largest_paths.hpp>
#include <autograd/study/flow/parameter_uses.hpp>
#include <autograd/study/graph/dot.hpp>
#include <autograd/study/graph/fold.hpp>
#include <autograd/study/graph/graph.hpp>
#include <autograd/study/graph/loops.hpp>
#include <autograd/study/graph/table.hpp>
#include <autograd/study/graph/text.hpp>
#include <autograd/study/graph/words.hpp>
#include <autograd/study/jacobian/decompositions.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/jacobian/jacobian_spectrum.hpp>
#include <autograd/study/jacobian/local_jacobian.hpp>
#include <autograd/study/jacobian/state_steps.hpp>
#include <autograd/study/jacobian/states.hpp>
#include <autograd/study/jacobian/stretch.hpp>
#include <autograd/study/jacobian/weight_products.hpp>
#include <autograd/study/page/comparison.hpp>
#include <autograd/study/page/json.hpp>
#include <autograd/study/page/study_recorder.hpp>
#include <autograd/study/page/write_study.hpp>
#include <autograd/study/study.hpp>
#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>
#include <autograd/sweep/sweep.hpp>
#include <autograd/take_gradients.hpp>
#include <autograd/tape.hpp>
#include <autograd/tensor.hpp>
#include <autograd/var.hpp>
#include <autograd/watch.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>
#include <nn/study/states.hpp>
#include <optim/optim.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace tapeloop;
using namespace tapeloop::nn;
using namespace tapeloop::optim;

// Types that a user may well have. A name of the engine's in one of those namespaces would make their use
// ambiguous.
// clang-format off
#define TYPES_OF_A_USER(X)                                                                                   \
    X(Layout)                                                                                                \
    X(Target)                                                                                                \
    X(Memory)                                                                                                \
    X(Walk)                                                                                                  \
    X(Stretch)                                                                                               \
    X(Product)                                                                                               \
    X(Mask) X(Inputs) X(Index) X(Reach) X(Root) X(Label) X(Node) X(Slot) X(Slots) X(View) X(Sweep)           \
        X(GraphSweep) X(Operation) X(Operators) X(Lanes) X(Dual) X(Pool) X(Run) X(Kernel) X(Site)            \
            X(Contribution) X(Panel) X(Request) X(Lines) X(Window) X(Steady) X(Rollback) X(Sparse)           \
                X(Defined) X(Gate) X(Explained) X(Symptom) X(Hop) X(Segment) X(Segments) X(Subject)          \
                    X(Evidence) X(Fit) X(Batch) X(Parts) X(Choice) X(Writing) X(Classes) X(Counting) X(Pair) \
                        X(Alignments) X(Squared) X(Labels) X(Title) X(Located) X(Slopes) X(Elements) X(Mark) \
                            X(Block) X(Rules) X(Definition) X(Stream) X(Streams) X(Matrix) X(Pass) X(Panels) \
                                X(Record) X(Entry) X(Header) X(Allocator) X(Handle) X(Stamp)                 \
                                    X(Contributions) X(Cotangents)
// clang-format on

#define DECLARED(Name)                       \
    struct Name {                            \
        std::string text() { return #Name; } \
    };
TYPES_OF_A_USER(DECLARED)
#undef DECLARED

// Functions of theirs that are found by what they are called with, too.
template <class T>
T apply(const Target&, T x) {
    return x;
}
int checked(const Node&) { return 1; }
int contributions(const Sweep&, const Operation&) { return 2; }
int broadcast(const Layout&) { return 3; }

TEST_CASE("headers: all of them together") {
    // `explain` and `check_gradient` each have words of their own for what they find.
    CHECK(name_of(GradientSize::huge) == "huge");
    CHECK(CheckedElement{}.verdict == Verdict::right);
}

TEST_CASE("headers: a user's types may be called what the engine calls its own") {
    std::vector<std::string> names;
#define USED(Name) names.push_back(Name().text());
    TYPES_OF_A_USER(USED)
#undef USED
    CHECK(std::find(names.begin(), names.end(), "Lanes") != names.end());
    CHECK(names.front() == "Layout");
    CHECK(apply(Target(), 2.0) == 2.0);
    CHECK(checked(Node()) + contributions(Sweep(), Operation()) + broadcast(Layout()) == 6);
}

namespace {

/// An elementwise function of a user's, with both ways to call the library's.
struct Doubled {
    static constexpr std::string_view name = "doubled";
    static auto value(const auto& x) { return x + x; }
    static auto slope(const auto&, const auto& x) { return 2 + 0 * x; }
};

}  // namespace

TEST_CASE("headers: a user's function given to map finds the library's, in full and in short") {
    const auto in_short = [](auto a, auto b) { return sigmoid(a) * where(a < b, tanh(b), square(a)); };
    const auto in_full = [](auto a, auto b) {
        return tapeloop::sigmoid(a) * where(a < b, tapeloop::tanh(b), tapeloop::square(a)) +
               0 * tapeloop::elementwise(Doubled(), a);
    };
    Tape<double> tape;
    const Var<double> a = input(Tensor<double>{0.5, -2, 3});
    const Var<double> b = input(Tensor<double>{1, 1, 1});
    const Var<double> y = map(in_short, a, b);
    const Var<double> z = map(in_full, a, b);
    CHECK(y.value() == z.value());
    const Gradients<double> of_y = gradient(sum(y), {a, b});
    const Gradients<double> of_z = gradient(sum(z), {a, b});
    CHECK(of_y.at(0) == of_z.at(0));
    CHECK(of_y.at(1) == of_z.at(1));
    CHECK(gradient(sum(map([](auto x) { return elementwise(Doubled(), x); }, a)), {a}).at(0)(1) == 2);
}
