#pragma once

#include "entries.hpp"

#include <nn/wrappers/stack.hpp>

namespace tapeloop::conformance {

/// The layers of a case as layers of this library, with the file's parameters.
class Model {
  public:
    /// Throws `Malformed` when a parameter is missing, not known or of a wrong shape. Refers to the case.
    explicit Model(const Case& c);

    nn::Stack<double>& stack() { return stack_; }
    /// The entries of a layer's directions; none for one that it does not have.
    struct LayerNaming {
        nn::Naming<double> forward;
        nn::Naming<double> reverse;
    };
    const std::vector<LayerNaming>& layers() const { return layers_; }

  private:
    void add_layer();
    void add_lstm_layer();
    template <class C, class CellOptions>
    void add_layer_of(const CellOptions& options);
    template <class C, class CellOptions>
    C make_cell(const Entries& entries, const std::string& where, CellOptions options);
    template <class C>
    nn::Naming<double> fill(C& cell, const Entries& entries, const std::string& where);

    const Case& case_;
    nn::Stack<double> stack_;
    std::vector<LayerNaming> layers_;
    std::size_t inputs_;       ///< width of what the next layer reads
    std::size_t outputs_ = 0;  ///< width of one direction of the layer that is being added
};

}  // namespace tapeloop::conformance
