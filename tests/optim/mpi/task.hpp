#pragma once

#include <autograd/ops/elementwise.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/dropout.hpp>
#include <nn/layers/linear.hpp>
#include <nn/losses/cross_entropy.hpp>
#include <nn/sequence/unroll.hpp>
#include <optim/mpi/shard.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

/// This file has what the tests of ranks train: the class of every time step, in rows of different lengths.
namespace tapeloop::test {

inline constexpr std::size_t features = 3;
inline constexpr std::size_t classes = 4;

template <class T>
struct Row {
    std::vector<T> x;  // [length, features]
    std::vector<std::ptrdiff_t> targets;
};

template <class T>
std::vector<Row<T>> drawn_rows(std::size_t count, nn::Generator& generator) {
    std::vector<Row<T>> rows(count);
    for (Row<T>& row : rows) {
        const std::size_t length = 1 + generator.below(9);
        for (std::size_t t = 0; t < length; ++t) {
            row.targets.push_back(static_cast<std::ptrdiff_t>(generator.below(classes)));
            for (std::size_t k = 0; k < features; ++k)
                row.x.push_back(
                    static_cast<T>(generator.normal() + 0.5 * static_cast<double>(row.targets.back())));
        }
    }
    return rows;
}

/// Some of the rows side by side, padded with numbers that must not count.
template <class T>
struct RowBatch {
    RowBatch(const std::vector<Row<T>>& rows, std::span<const std::size_t> picked) {
        for (const std::size_t i : picked) lengths.push_back(rows[i].targets.size());
        const std::size_t steps = *std::ranges::max_element(lengths);
        x = Tensor<T>::from_shape({steps, picked.size(), features});
        x.fill(T(7));
        targets = nn::Targets::from_shape({steps, picked.size()});
        targets.fill(0);
        for (std::size_t b = 0; b < picked.size(); ++b) {
            const Row<T>& row = rows[picked[b]];
            for (std::size_t t = 0; t < row.targets.size(); ++t) {
                targets(t, b) = row.targets[t];
                for (std::size_t k = 0; k < features; ++k) x(t, b, k) = row.x[t * features + k];
            }
        }
    }

    /// The time steps that count.
    std::size_t count() const {
        std::size_t sum = 0;
        for (const std::size_t length : lengths) sum += length;
        return sum;
    }

    Tensor<T> x;
    nn::Targets targets;
    std::vector<std::size_t> lengths;
};

template <class T>
struct Tagger {
    Tagger(std::size_t hidden, nn::Generator& generator)
        : cell(features, hidden, generator), output(hidden, classes, generator) {}

    Var<T> loss(const RowBatch<T>& batch, nn::Reduction reduction) const {
        const auto read = nn::unroll(cell, batch.x, {.lengths = batch.lengths});
        return nn::softmax_cross_entropy(output(dropout(read.outputs)), batch.targets,
                                         {.reduction = reduction, .lengths = batch.lengths});
    }
    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }

    nn::LstmCell<T> cell;
    nn::Linear<T> output;
    nn::Dropout dropout{0.3};
};

}  // namespace tapeloop::test
