#include <autograd/drawn.hpp>
#include <autograd/record/draws.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/record/steps.hpp>

namespace tapeloop {

using namespace detail;

namespace {

constexpr Description of_drawn{.equation = "y is drawn", .kind = OperationKind::constant};

template <class T>
class Drawn final : public Operation<T> {
  public:
    explicit Drawn(std::function<void(std::span<T>)> draw) : draw_(std::move(draw)) {}

    void fill(const Buffer<T>& y) const { draw_(y.elements()); }
    const std::function<void(std::span<T>)>& draw() const { return draw_; }

    std::string_view name() const override { return "drawn"; }
    const Description& description() const override { return of_drawn; }
    void repeat(Steps<T>& steps, NodeIndex node) const override {
        steps.add([this, y = steps.place(node)] { fill(y); });
    }
    void pull(Sweep<T>&, NodeIndex) const override {}
    void pull(GraphSweep<T>&, NodeIndex) const override {}

  private:
    std::function<void(std::span<T>)> draw_;
};

}  // namespace

template <class T>
Var<T> drawn(const Shape& shape, std::function<void(std::span<T>)> draw, const CallSite& site) {
    Tape<T>& tape = Tape<T>::current();
    Rollback rollback(tape);
    const auto& operation = tape.keep(Drawn<T>(std::move(draw)));
    const Buffer<T> y(shape, tape.allocate(shape.size()));
    if (Draws<T>* const draws = tape.draws())
        draws->fill(y.elements(), operation.draw());
    else
        operation.fill(y);
    return rollback.keep(tape.var(tape.append(operation, {}, shape, y.data(), site)));
}

template Var<float> drawn(const Shape&, std::function<void(std::span<float>)>, const CallSite&);
template Var<double> drawn(const Shape&, std::function<void(std::span<double>)>, const CallSite&);

}  // namespace tapeloop
