#include "plain_loops.hpp"

#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/tape.hpp>

#include <cmath>

namespace study_page {
namespace {

using nlohmann::json;
using tapeloop::Shape;

using Matrix = std::vector<std::vector<double>>;

Matrix rows_of(const Tensor<double>& x) {
    Matrix rows(x.shape()[0], std::vector<double>(x.shape()[1]));
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::size_t j = 0; j < rows[i].size(); ++j) rows[i][j] = x(i, j);
    return rows;
}

/// aᵀ b
Matrix product_over_rows(const Matrix& a, const Matrix& b) {
    Matrix sum(a[0].size(), std::vector<double>(b[0].size(), 0));
    for (std::size_t row = 0; row < a.size(); ++row)
        for (std::size_t i = 0; i < sum.size(); ++i)
            for (std::size_t j = 0; j < sum[i].size(); ++j) sum[i][j] += a[row][i] * b[row][j];
    return sum;
}

double dot(const Matrix& a, const Matrix& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t j = 0; j < a[i].size(); ++j) sum += a[i][j] * b[i][j];
    return sum;
}

double norm(const Matrix& a) { return std::sqrt(dot(a, a)); }

/// What a use of W contributes to its gradient.
Matrix contribution(Tape<double>& tape, const Gradients<double>& gradients, NodeIndex product) {
    const Tensor<double> x = tape.var(tape.inputs(product)[0]).value();
    return product_over_rows(rows_of(x), rows_of(gradients[tape.var(product)]));
}

}  // namespace

double norm(const Tensor<double>& x) {
    double squares = 0;
    for (double element : x) squares += element * element;
    return std::sqrt(squares);
}

std::vector<NodeIndex> products_with(const Tape<double>& tape, const Parameter<double>& W) {
    const NodeIndex leaf = *tape.find(W.storage().get());
    std::vector<NodeIndex> found;
    for (NodeIndex node = 0; node < tape.size(); ++node)
        if (tape.inputs(node).size() >= 2 && tape.inputs(node)[1] == leaf &&
            tape.time_step(node) == found.size())
            found.push_back(node);
    return found;
}

json norms_by_step(Tape<double>& tape, const Gradients<double>& gradients, const Parameter<double>& W) {
    json norms = json::array();
    for (NodeIndex product : products_with(tape, W))
        norms.push_back(norm(contribution(tape, gradients, product)));
    return norms;
}

json ledger(Tape<double>& tape, const Var<double>& losses, const Parameter<double>& W) {
    const std::vector<NodeIndex> products = products_with(tape, W);
    std::vector<std::vector<Matrix>> entries;
    Matrix whole;
    for (std::size_t t = 0; t < losses.shape()[0]; ++t) {
        const auto at = static_cast<std::ptrdiff_t>(t);
        const Var<double> loss = sum(slice(losses, 0, at, at + 1));
        const Gradients<double> gradients = gradient(loss, every_node(tape));
        entries.emplace_back();
        for (NodeIndex product : products) {
            Matrix entry = contribution(tape, gradients, product);
            if (whole.empty()) whole.assign(entry.size(), std::vector<double>(entry[0].size(), 0));
            for (std::size_t i = 0; i < whole.size(); ++i)
                for (std::size_t j = 0; j < whole[i].size(); ++j) whole[i][j] += entry[i][j];
            entries.back().push_back(std::move(entry));
        }
    }
    json norms = json::array();
    json shares = json::array();
    for (const std::vector<Matrix>& row : entries) {
        json of_row = json::array();
        json shares_of_row = json::array();
        for (const Matrix& entry : row) {
            of_row.push_back(norm(entry));
            shares_of_row.push_back(dot(entry, whole) / dot(whole, whole));
        }
        norms.push_back(std::move(of_row));
        shares.push_back(std::move(shares_of_row));
    }
    return {{"norms", std::move(norms)}, {"shares", std::move(shares)}, {"gradient", norm(whole)}};
}

json contributions(Tape<double>& tape, const Gradients<double>& gradients, NodeIndex product) {
    const Matrix W = rows_of(tape.var(tape.inputs(product)[1]).value());
    const Matrix g = rows_of(gradients[tape.var(product)]);
    Matrix rest = rows_of(gradients[tape.var(tape.inputs(product)[0])]);
    Matrix handed(g.size(), std::vector<double>(W.size(), 0));
    for (std::size_t row = 0; row < g.size(); ++row)
        for (std::size_t i = 0; i < W.size(); ++i) {
            for (std::size_t j = 0; j < W[i].size(); ++j) handed[row][i] += g[row][j] * W[i][j];
            rest[row][i] -= handed[row][i];
        }
    return {{"product", product}, {"handed", norm(handed)}, {"rest", norm(rest)}};
}

json norms_of_states(const Gradients<double>& gradients, const std::vector<std::vector<Var<double>>>& trace) {
    json norms = json::array();
    for (const std::vector<Var<double>>& state : trace) {
        double squares = 0;
        for (const Var<double>& part : state) squares += std::pow(norm(gradients[part]), 2);
        norms.push_back(std::sqrt(squares));
    }
    return norms;
}

json largest_singular_values(const Parameter<double>& W, const std::vector<Var<double>>& states) {
    const Matrix weights = rows_of(W.value());
    const std::size_t size = weights.size();
    json largest = json::array();
    for (const Var<double>& state : states) {
        const std::vector<double> h = rows_of(state.value())[0];
        std::vector<double> v(size, 1);
        double length = 0;
        for (std::size_t turn = 0; turn < 2000; ++turn) {
            std::vector<double> forth(size, 0);
            std::vector<double> back(size, 0);
            for (std::size_t i = 0; i < size; ++i)
                for (std::size_t j = 0; j < size; ++j) forth[j] += v[i] * weights[i][j] * (1 - h[j] * h[j]);
            for (std::size_t i = 0; i < size; ++i)
                for (std::size_t j = 0; j < size; ++j)
                    back[i] += weights[i][j] * (1 - h[j] * h[j]) * forth[j];
            length = 0;
            for (double one : back) length += one * one;
            length = std::sqrt(length);
            for (std::size_t i = 0; i < size; ++i) v[i] = back[i] / length;
        }
        largest.push_back(std::sqrt(length));
    }
    return largest;
}

json saturation(Tape<double>& tape, const std::vector<NodeIndex>& gates) {
    json made{{"mean", json::array()}, {"low", json::array()}, {"high", json::array()}};
    for (NodeIndex gate : gates) {
        double sum = 0;
        double low = 0;
        double high = 0;
        const Tensor<double> y = tape.var(gate).value();
        for (double element : y) {
            sum += element;
            low += element < 0.05 ? 1 : 0;
            high += element > 0.95 ? 1 : 0;
        }
        const auto count = static_cast<double>(y.size());
        made["mean"].push_back(sum / count);
        made["low"].push_back(low / count);
        made["high"].push_back(high / count);
    }
    return made;
}

}  // namespace study_page
