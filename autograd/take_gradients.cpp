#include <autograd/gradient_sweep.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/take_gradients.hpp>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
void sweep_for(const Var<T>& J, const WrtList<T>& wrt, GradientReceiver<T>& receiver) {
    GradientSweep<T> sweep({{J, detail::cotangent_of_scalar(J)}}, wrt);
    detail::Rollback rollback(sweep.tape());  // a rule of the user's may record
    sweep.run_for(receiver);
    rollback.keep();
}

}  // namespace

void take_gradients(const Var<float>& J, const WrtList<float>& wrt, GradientReceiver<float>& receiver) {
    sweep_for(J, wrt, receiver);
}
void take_gradients(const Var<double>& J, const WrtList<double>& wrt, GradientReceiver<double>& receiver) {
    sweep_for(J, wrt, receiver);
}

}  // namespace tapeloop
