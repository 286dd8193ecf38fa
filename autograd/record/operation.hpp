#pragma once

#include <autograd/record/description.hpp>
#include <autograd/record/onnx_value.hpp>
#include <autograd/var.hpp>

#include <string>
#include <string_view>

namespace tapeloop::detail {

template <class T>
class Sweep;
template <class T>
class GraphSweep;
template <class T>
class Steps;

/// A message with the place it is about: `matmul: a is ... (cell.hpp:42, encoder/t=3)`.
std::string with_site(std::string_view message, const CallSite& site, std::string_view label);

/// The operation that made a node. One object may serve many nodes: all that belongs to an evaluation is on
/// the tape.
template <class T>
class Operation {
  public:
    virtual std::string_view name() const = 0;
    /// Returns what it was called with besides its inputs, for people: `axis 1`.
    virtual std::string arguments() const { return {}; }
    /// Returns what it says about itself, which lives as long as the program. Nothing, unless it is
    /// overridden.
    virtual const Description& description() const { return no_description; }
    /// Adds the steps that compute the value of `node` again, from the values that its inputs have then, and
    /// gives it a place for that. Inputs have theirs already.
    virtual void repeat(Steps<T>& steps, NodeIndex node) const = 0;
    /// Returns what computes its `result`th result of these inputs in ONNX; no value when nothing does.
    virtual OnnxValue onnx(std::span<const OnnxValue> /*inputs*/, std::size_t /*result*/) const { return {}; }
    /// Hands the cotangent of `node` on to those of its inputs that want one.
    virtual void pull(Sweep<T>& sweep, NodeIndex node) const = 0;
    /// Pulls as above, recorded.
    virtual void pull(GraphSweep<T>& sweep, NodeIndex node) const = 0;
    /// Returns where the cotangent of the result `result` is best written; null when anywhere is as good.
    virtual T* place(Sweep<T>& /*sweep*/, NodeIndex /*node*/, NodeIndex /*result*/) const { return nullptr; }

  protected:
    ~Operation() = default;
};

}  // namespace tapeloop::detail
