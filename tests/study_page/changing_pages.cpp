// The pages of two studies beside each other, and those with films.
#include "pages.hpp"
#include "plain_loops.hpp"

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/page/comparison.hpp>
#include <autograd/study/page/write_study.hpp>
#include <autograd/tape.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>
#include <optim/clip_by_norm.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace study_page {
namespace {

using namespace tapeloop;
using nlohmann::json;

/// All that a cell's state consists of.
std::vector<Var<double>> parts_of(const Var<double>& state) { return {state}; }
std::vector<Var<double>> parts_of(const std::array<Var<double>, 2>& state) { return {state[0], state[1]}; }

/// The study of a recurrent network that remembers its first input, with a ledger and a spectrum.
template <class Cell>
Study study_of(const Cell& cell, const Parameter<double>& W, const std::string& title, json& facts) {
    nn::Generator generator(21);
    Tape<double> tape({.fuse = false});
    const Var<double> x = input(nn::normal<double>({10, 2, 2}, 0, 1, generator)).named("x");
    const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
    const Var<double> losses =
        sum(square(run.outputs), {1, 2}) * input(Tensor<double>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    const Var<double> J = sum(losses).named("J");
    const Gradients<double> gradients = gradient(J, every_node(tape));
    std::vector<std::vector<Var<double>>> trace;
    for (const auto& state : run.trace) trace.push_back(parts_of(state));
    facts = {
        {"J", J.item()},
        {"W", norm(gradients[W])},
        {"gradients",
         {{"U", norm(gradients[cell.U])}, {"W", norm(gradients[cell.W])}, {"b", norm(gradients[cell.b])}}},
        {"states", norms_of_states(gradients, trace)}};
    StudyOptions options{.title = title};
    options.ledgers.push_back(gradient_ledger(losses, W));
    options.spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
    return Study(tape, gradients, options);
}

}  // namespace

json write_comparisons(const std::filesystem::path& folder) {
    nn::Generator generator(4);
    nn::ElmanCell<double> elman(2, 4, generator);
    elman.W.assign(0.5 * elman.W.value());
    const nn::LstmCell<double> lstm(2, 4, generator, {.forget_bias = 4});
    json of_elman;
    json of_lstm;
    json of_trained;
    const Study first = study_of(elman, elman.W, "An Elman network", of_elman);
    const Study second = study_of(lstm, lstm.W, "An LSTM", of_lstm);
    write_comparison(first, "Elman", second, "LSTM", folder / "cells.html");
    elman.W.assign(2.5 * elman.W.value());
    const Study trained = study_of(elman, elman.W, "An Elman network, later", of_trained);
    write_comparison(first, "before", trained, "after", folder / "training.html");
    return {{"path", (folder / "cells.html").string()},
            {"training", (folder / "training.html").string()},
            {"Elman", std::move(of_elman)},
            {"LSTM", std::move(of_lstm)},
            {"trained", std::move(of_trained)}};
}

json write_clipping(const std::filesystem::path& path) {
    const auto trained = [](double max_norm, double& largest, const std::string& title, json& facts) {
        nn::Generator generator(4);
        nn::ElmanCell<double> cell(2, 4, generator);
        cell.W.assign(3.0 * cell.W.value());
        const Tensor<double> x = nn::normal<double>({10, 2, 2}, 0, 1, generator);
        for (std::size_t step = 0; step < 10; ++step) {
            Tape<double> tape;
            const Var<double> J = sum(square(nn::unroll(cell, x).state - 0.5));
            Gradients<double> gradients = gradient(J, WrtList<double>(cell.parameters()));
            largest = std::max(largest, optim::clip_by_norm(gradients, max_norm));
            for (Parameter<double>* parameter : {&cell.U, &cell.W, &cell.b})
                parameter->assign(parameter->value() - 0.5 * gradients[*parameter]);
        }
        return study_of(cell, cell.W, title, facts);
    };
    json of_unclipped;
    json of_clipped;
    double largest = 0;
    double ignored = 0;
    const double none = std::numeric_limits<double>::infinity();
    const Study unclipped = trained(none, largest, "Trained without clipping", of_unclipped);
    const Study clipped = trained(0.1, ignored, "Trained with clipping", of_clipped);
    write_comparison(unclipped, "unclipped", clipped, "clipped", path);
    return {{"path", path.string()},
            {"unclipped", std::move(of_unclipped)},
            {"clipped", std::move(of_clipped)},
            {"largest_norm", largest}};
}

json write_film(const std::filesystem::path& path) {
    nn::Generator generator(4);
    nn::LstmCell<double> cell(2, 4, generator);
    const Tensor<double> x = nn::normal<double>({6, 3, 2}, 0, 1, generator);
    const auto names = nn::LstmCell<double>::gate_names();
    StudyRecorder film({.every = 5, .gates = {names.begin(), names.end()}});
    json losses = json::array();
    json norms = json::array();
    json by_step = json::array();
    for (std::size_t step = 0; step <= 40; ++step) {
        Tape<double> tape({.fuse = false});
        const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
        const Var<double> J = mean(square(run.state[0] - 0.5));
        const Gradients<double> gradients = gradient(J, every_node(tape));
        if (film.is_due(step)) {
            film.record(step, J, jacobian_lens(nn::states(run.trace)).spectrum());
            losses.push_back(J.item());
            norms.push_back({{"U", norm(gradients[cell.U])},
                             {"W", norm(gradients[cell.W])},
                             {"b", norm(gradients[cell.b])}});
            by_step.push_back(norms_by_step(tape, gradients, cell.W));
        }
        if (step == 40) write_study(tape, gradients, path, {.title = "A training", .film = film});
        for (Parameter<double>* parameter : {&cell.U, &cell.W, &cell.b})
            parameter->assign(parameter->value() - 2.0 * gradients[*parameter]);
    }
    return {{"path", path.string()},
            {"losses", std::move(losses)},
            {"gradients", std::move(norms)},
            {"norms of W", std::move(by_step)}};
}

json write_growing(const std::filesystem::path& path) {
    nn::Generator generator(5);
    nn::ElmanCell<double> cell(2, 4, generator);
    const Tensor<double> x = nn::normal<double>({12, 1, 2}, 0, 0.1, generator);
    const Tensor<double> W = cell.W.value();
    StudyRecorder film({.axis = "size of W in percent"});
    json exponents = json::array();
    json largest = json::array();
    json by_step = json::array();
    for (std::size_t percent = 20; percent <= 200; percent += 20) {
        cell.W.assign(0.01 * static_cast<double>(percent) * W);
        Tape<double> tape({.fuse = false});
        const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
        const Var<double> J = sum(square(run.state - 0.5));
        const JacobianSpectrum spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
        const Gradients<double> gradients = gradient(J, every_node(tape));
        exponents.push_back(spectrum.exponents.front());
        largest.push_back(largest_singular_values(cell.W, run.trace));
        by_step.push_back(norms_by_step(tape, gradients, cell.W));
        film.record(percent, J, spectrum);
        if (percent == 200) write_study(tape, gradients, path, {.title = "W grows", .film = film});
    }
    return {{"path", path.string()},
            {"exponents", std::move(exponents)},
            {"largest", std::move(largest)},
            {"norms of W", std::move(by_step)}};
}

}  // namespace study_page
