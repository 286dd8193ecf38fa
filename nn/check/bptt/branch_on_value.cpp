#include <fmt/format.h>
#include <nn/check/bptt/branch_on_value.hpp>
#include <nn/check/cell_runs.hpp>
#include <nn/check/not_finite.hpp>

#include <algorithm>
#include <exception>
#include <set>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

using tapeloop::detail::CheckRandom;

// Over more time steps a cell may make much of rounding.
constexpr std::size_t most_steps = 16;

template <class T>
class RowsOfBatch {
  public:
    explicit RowsOfBatch(const VerifiedRun<T>& run) : run_(run), runs_(run.cell) {
        const Tape<T> tape;
        const std::vector<Shape> shapes = shapes_of(run.cell.layer.initial_state(rows()));
        const std::vector<Shape> more = shapes_of(run.cell.layer.initial_state(rows() + 1));
        for (std::size_t k = 0; k < shapes.size(); ++k) runs_.is_batched.push_back(shapes[k] != more[k]);
        runs_.state_names = state_names(shapes.size());
    }

    std::string run() {
        // What all rows share, they may hand on to each other.
        if (!std::all_of(runs_.is_batched.begin(), runs_.is_batched.end(), [](bool is) { return is; }))
            return "";
        const Batch<T> batch = this->batch();
        const CellRun whole = runs_.unrolled(batch);
        runs_.sizes = runs_.sizes_of(batch, whole);
        for (const std::size_t row : std::set<std::size_t>{0, 1, rows() - 1}) {
            const std::string found = beside_itself(batch, whole, row);
            if (!found.empty() && gets_no_gradient_of_others(batch, row))
                return found +
                       ", and no gradient passes from row to row: a step branches on a value, or computes "
                       "with one that is not on the tape";
        }
        return "";
    }

  private:
    // A row alone is joined by itself, from another state.
    std::size_t rows() const { return std::max<std::size_t>(run_.tape.run.x.shape(1), 2); }

    Batch<T> batch() const {
        const Tensor<T>& x = run_.tape.run.x;
        std::vector<std::size_t> which = range(0, x.shape(1));
        which.resize(rows(), 0);
        Batch<T> batch;
        batch.x = taken(taken(x, 0, range(0, std::min(x.shape(0), most_steps))), 1, which);
        CheckRandom random(run_.seed + 1);
        const auto weights = [&random](const Shape& shape) {
            Tensor<T> result = uninitialised<T>(shape);
            for (T& element : result) element = static_cast<T>(random.weight());
            return result;
        };
        const Tape<T> tape;
        Parts<T> start;
        if (which.size() == x.shape(1) || !run_.options.initial_state.empty()) {
            for (const Tensor<T>& part : run_.tape.run.initial_state)
                start.push_back(input(taken(part, 0, which)));
        } else {
            const Parts<T> initial = run_.cell.layer.initial_state(rows());
            const auto offsets = offsets_from(initial, starting_state(run_.options), "verify_bptt", random);
            for (std::size_t k = 0; k < initial.size(); ++k)
                start.push_back(moved(initial[k], input(offsets[k])));
        }
        for (const Var<T>& part : start) {
            batch.state.push_back(part.value());
            batch.state_cotangents.push_back(weights(part.shape()));
        }
        batch.output_cotangent = weights(unroll(run_.cell.layer, input(batch.x), start).outputs.shape());
        return batch;
    }

    /// Says where a row that stands where it did gives something else when all other rows are what it is.
    std::string beside_itself(const Batch<T>& batch, const CellRun& whole, std::size_t row) const {
        const std::vector<std::size_t> steps = range(0, batch.time_steps());
        const Batch<T> same = runs_.part(batch, steps, std::vector<std::size_t>(rows(), row));
        const CellRun of_others = runs_.part(whole, steps, {row});
        const CellRun of_same = runs_.part(runs_.unrolled(same), steps, {row});
        if (!not_finite(of_others.outputs).empty() || !not_finite(of_same.outputs).empty()) return "";
        return runs_.difference_of_rows(of_others, of_same,
                                        {fmt::format("in row {}", row), "where all rows are like it"},
                                        run_.options.difference_limit);
    }

    bool gets_no_gradient_of_others(const Batch<T>& batch, std::size_t row) const {
        Batch<T> of_row = batch;
        const auto keep_row = [row](Tensor<T>& x, std::size_t axis) {
            const Tensor<T> kept = taken(x, axis, {row});
            const std::size_t outer = axis == 0 ? 1 : x.shape(0);
            const std::size_t inner = kept.size() / outer;
            const std::size_t rows = x.shape(axis);
            x.fill(T(0));
            for (std::size_t o = 0; o < outer; ++o)
                std::copy_n(kept.data() + o * inner, inner, x.data() + (o * rows + row) * inner);
        };
        keep_row(of_row.output_cotangent, 1);
        for (Tensor<T>& part : of_row.state_cotangents) keep_row(part, 0);
        std::vector<std::size_t> others = range(0, rows());
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(row));
        const CellRun found = runs_.part(runs_.unrolled(of_row), range(0, batch.time_steps()), others);
        const auto is_zero = [](const Tensor<double>& x) {
            return std::all_of(x.begin(), x.end(), [](double element) { return element == 0; });
        };
        return is_zero(found.by_x) && std::all_of(found.by_state.begin(), found.by_state.end(), is_zero);
    }

    const VerifiedRun<T>& run_;
    CellRuns<T> runs_;
};

}  // namespace

template <class T>
std::string branch_on_value(const VerifiedRun<T>& run) {
    try {
        return RowsOfBatch<T>(run).run();
    } catch (const std::exception&) {
        return "";  // it takes this batch alone
    }
}

template std::string branch_on_value(const VerifiedRun<float>&);
template std::string branch_on_value(const VerifiedRun<double>&);

}  // namespace tapeloop::nn::detail
