#pragma once

#include <autograd/gradient.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <vector>

/// What the pages have to show, by plain loops over values and cotangents of nodes: none of it comes from the
/// functions that write a page, so that a mistake there, or in the page's scripts, makes a difference.
namespace study_page {

using tapeloop::Gradients;
using tapeloop::NodeIndex;
using tapeloop::Parameter;
using tapeloop::Tape;
using tapeloop::Tensor;
using tapeloop::Var;

double norm(const Tensor<double>& x);

/// The nodes x W, or x W + b, of a recurrent network, by time step.
std::vector<NodeIndex> products_with(const Tape<double>& tape, const Parameter<double>& W);

/// The norms of xᵀ g by time step: x is what is multiplied by W there, and g the cotangent of the product.
nlohmann::json norms_by_step(Tape<double>& tape, const Gradients<double>& gradients,
                             const Parameter<double>& W);

/// The ledger of W with a sweep for each of the losses [T]: `norms` and `shares`, a row for each loss, a
/// column for each step. Records nodes, so it comes after what the page is made of.
nlohmann::json ledger(Tape<double>& tape, const Var<double>& losses, const Parameter<double>& W);

/// What a product x W hands to x, by its norm, |g Wᵀ|, and what is left of the cotangent of x without it.
nlohmann::json contributions(Tape<double>& tape, const Gradients<double>& gradients, NodeIndex product);

/// The norms of the gradient by the state after each step, of all its parts together.
nlohmann::json norms_of_states(const Gradients<double>& gradients,
                               const std::vector<std::vector<Var<double>>>& trace);

/// The largest singular value of each step of an Elman network, W diag(1 - h²) for the first row of the
/// batch, by power iteration.
nlohmann::json largest_singular_values(const Parameter<double>& W, const std::vector<Var<double>>& states);

/// The mean of a gate by time step, and the shares of its units within 0.05 of 0 and of 1. `gates` are its
/// nodes.
nlohmann::json saturation(Tape<double>& tape, const std::vector<NodeIndex>& gates);

}  // namespace study_page
