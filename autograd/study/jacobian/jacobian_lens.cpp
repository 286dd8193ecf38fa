#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <autograd/study/jacobian/decompositions.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/jacobian/state_steps.hpp>
#include <autograd/study/jacobian/weight_products.hpp>
#include <autograd/sweep/contributions.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

using detail::ArrivedCotangents;
using detail::Segment;
using detail::Segments;
using detail::Stretch;
using detail::WeightProduct;

/// Zeros, and in each row of the batch a 1 at one place.
template <class T>
Tensor<T> one_hot_rows(const Shape& shape, std::size_t place) {
    Tensor<T> cotangent = uninitialised<T>(shape);
    cotangent.fill(T(0));
    const std::size_t width = shape.size() / shape[0];
    for (std::size_t row = 0; row < shape[0]; ++row) cotangent.data()[row * width + place] = T(1);
    return cotangent;
}

/// The Jacobians of one time step, for the rows asked for, filled in by sweeps over its graph.
template <class T>
class StepSweeps {
  public:
    StepSweeps(Tape<T>& tape, const Segments& before, const Segments& after,
               const std::vector<std::size_t>& rows, std::size_t time_step)
        : tape_(tape),
          before_(before),
          after_(after),
          rows_(rows),
          stretch_(tape, before.nodes(), after.nodes()),
          products_(detail::weight_products(tape, stretch_, before.batch)) {
        std::vector<NodeIndex> nodes;
        for (const WeightProduct& product : products_) {
            nodes.push_back(product.node);
            cut_.emplace(product.node, product.factor);
        }
        between_ = Segments::of(tape, nodes, before.batch);
        const std::size_t S = after.width;
        const std::size_t P = between_.width;
        result_.assign(rows.size(), {time_step, zeros<double>({S, S}), zeros<double>({S, P}),
                                     zeros<double>({P, S}), zeros<double>({S, S})});
    }

    std::vector<StepJacobian> run() {
        for (const Segment& part : after_.list)
            for (std::size_t k = 0; k < part.width; ++k) pull_state(part, k);
        for (std::size_t i = 0; i < products_.size(); ++i)
            for (std::size_t k = 0; k < between_.list[i].width; ++k) pull_product(products_[i], i, k);
        return std::move(result_);
    }

    bool rows_are_independent() const;

  private:
    void pull_state(const Segment& part, std::size_t k) {
        const std::size_t at = part.offset + k;
        const Tensor<T> seed = one_hot_rows<T>(tape_.node(part.node).shape, k);
        const ArrivedCotangents<T> uncut = stretch_.pull({{part.node, seed}});
        const ArrivedCotangents<T> cut = stretch_.pull({{part.node, seed}}, cut_);
        for (std::size_t r = 0; r < rows_.size(); ++r) {
            before_.write_row(uncut, rows_[r], result_[r].whole, at);
            before_.write_row(cut, rows_[r], result_[r].direct, at);
            between_.write_row(cut, rows_[r], result_[r].activations, at);
        }
    }

    void pull_product(const WeightProduct& product, std::size_t i, std::size_t k) {
        const Tensor<T> seed = one_hot_rows<T>(tape_.node(product.node).shape, k);
        const CotangentOf<T> cotangent_of = [&](NodeIndex node) {
            return node == product.node ? &seed : nullptr;
        };
        ArrivedCotangents<T> arrived;
        for (auto& one : contributions(tape_, product.node, cotangent_of, {product.factor}))
            arrived.emplace(one.input, std::move(one.cotangent));
        arrived = stretch_.pull(std::move(arrived));
        for (std::size_t r = 0; r < rows_.size(); ++r)
            before_.write_row(arrived, rows_[r], result_[r].weights, between_.list[i].offset + k);
    }

    Tape<T>& tape_;
    const Segments& before_;
    const Segments& after_;
    const std::vector<std::size_t>& rows_;
    Stretch<T> stretch_;
    std::vector<WeightProduct> products_;
    std::unordered_map<NodeIndex, NodeIndex> cut_;
    Segments between_;
    std::vector<StepJacobian> result_;
};

/// Pulls a cotangent back twice, the second time scaled by another number in each row: then what arrives has
/// to be scaled by the same.
template <class T>
bool StepSweeps<T>::rows_are_independent() const {
    const auto scale_of = [&](const Segment& part, std::size_t element) {
        const std::size_t row = element / part.width;
        return 1 + static_cast<double>(row) / static_cast<double>(before_.batch);
    };
    const auto pulled = [&](bool scaled) {
        ArrivedCotangents<T> seeds;
        for (const Segment& part : after_.list) {
            Tensor<T> seed = uninitialised<T>(tape_.node(part.node).shape);
            for (std::size_t i = 0; i < seed.size(); ++i)
                seed.data()[i] = static_cast<T>(std::cos(static_cast<double>(7 * (part.offset + i)) + 1) *
                                                (scaled ? scale_of(part, i) : 1));
            seeds.insert_or_assign(part.node, std::move(seed));
        }
        return stretch_.pull(std::move(seeds));
    };
    const ArrivedCotangents<T> plain = pulled(false);
    const ArrivedCotangents<T> scaled = pulled(true);
    const auto rounding = 1e4 * static_cast<double>(std::numeric_limits<T>::epsilon());
    for (const Segment& part : before_.list) {
        if (!plain.contains(part.node)) continue;
        const Tensor<double> one = detail::as_double(plain.at(part.node));
        const Tensor<double> other = detail::as_double(scaled.at(part.node));
        double largest = 0;
        for (double element : one) largest = std::max(largest, std::abs(element));
        for (std::size_t i = 0; i < one.size(); ++i)
            if (std::abs(other.data()[i] - scale_of(part, i) * one.data()[i]) > rounding * largest)
                return false;
    }
    return true;
}

bool is_finite(const StepJacobian& step) {
    return std::all_of(step.whole.begin(), step.whole.end(), [](double x) { return std::isfinite(x); });
}

template <class T>
JacobianLens look(const States<T>& states, const LensOptions& options) {
    const std::vector<Segments> segments = detail::segments_of(states);
    for (std::size_t row : options.rows)
        if (row >= segments.front().batch)
            throw std::invalid_argument(fmt::format(
                "jacobian_lens: row {} of a batch of {}; rows count from 0", row, segments.front().batch));
    if (options.rows.empty()) throw std::invalid_argument("jacobian_lens: no rows given");
    Tape<T>& tape = states.front().front().tape();
    tape.require_unchanged_parameters();
    JacobianLens lens{options.rows, {}, static_cast<double>(std::numeric_limits<T>::epsilon())};
    lens.steps.resize(options.rows.size());
    for (std::size_t i = 1; i < segments.size(); ++i) {
        const NodeIndex behind = segments[i].list.front().node;
        const std::size_t time_step = tape.time_step(behind).value_or(i);
        StepSweeps<T> sweeps(tape, segments[i - 1], segments[i], options.rows, time_step);
        if (!sweeps.rows_are_independent())
            throw std::invalid_argument(
                fmt::format("jacobian_lens: at {} the state of one row depends on another row of the batch; "
                            "record a batch of a single row",
                            tape.describe(behind)));
        std::vector<StepJacobian> jacobians = sweeps.run();
        for (std::size_t r = 0; r < jacobians.size(); ++r) {
            if (!is_finite(jacobians[r]))
                throw std::invalid_argument(
                    fmt::format("jacobian_lens: the Jacobian of row {} at {} is not finite", options.rows[r],
                                tape.describe(behind)));
            lens.steps[r].push_back(std::move(jacobians[r]));
        }
    }
    return lens;
}

}  // namespace

void ScaledMatrix::rescale() {
    double largest = 0;
    for (double element : matrix) largest = std::max(largest, std::abs(element));
    if (largest == 0) return;
    for (double& element : matrix) element /= largest;
    log_scale += std::log(largest);
}

const std::vector<StepJacobian>& JacobianLens::of_row(std::size_t row) const {
    const auto found = std::find(rows.begin(), rows.end(), row);
    if (found == rows.end())
        throw std::invalid_argument(
            fmt::format("jacobian lens: row {} was not asked for; name it in LensOptions::rows", row));
    return steps[static_cast<std::size_t>(found - rows.begin())];
}

ScaledMatrix JacobianLens::product(std::size_t from, std::size_t to, std::size_t row) const {
    const std::vector<StepJacobian>& all = of_row(row);
    if (from > to || to > all.size())
        throw std::invalid_argument(
            fmt::format("jacobian lens: from state {} to state {} of {} steps; it must be from <= to <= {}",
                        from, to, all.size(), all.size()));
    const std::size_t S = all.front().whole.shape(0);
    ScaledMatrix result{zeros<double>({S, S}), 0};
    for (std::size_t i = 0; i < S; ++i) result.matrix(i, i) = 1;
    for (std::size_t step = from; step < to; ++step) {
        result.matrix = detail::product(all[step].whole, result.matrix);
        result.rescale();
    }
    return result;
}

JacobianLens jacobian_lens(const States<float>& states, const LensOptions& options) {
    return look(states, options);
}
JacobianLens jacobian_lens(const States<double>& states, const LensOptions& options) {
    return look(states, options);
}

}  // namespace tapeloop
