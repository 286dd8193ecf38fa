#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/sweep_again.hpp>
#include <autograd/check/judge/tape_beside.hpp>
#include <autograd/wrt.hpp>

#include <algorithm>
#include <cmath>
#include <exception>

namespace tapeloop::detail {
namespace {

constexpr std::size_t points_beside = 12;
// Of a step, so that what lies there is beyond none of the finer ones.
constexpr double part_of_step = 1.0 / 64;

/// Returns whether the slopes of the tape and of the differences both lie among those of the samples.
bool are_among(const std::vector<std::vector<std::vector<double>>>& samples, std::size_t k,
               const CheckedElement& element) {
    double smallest = HUGE_VAL;
    double largest = -HUGE_VAL;
    for (const auto& there : samples) {
        smallest = std::min(smallest, there[k][element.index]);
        largest = std::max(largest, there[k][element.index]);
    }
    // There are more values than those that were met.
    const double slack = element.tolerance + (largest - smallest) / 2;
    const auto is_inside = [&](double slope) {
        return slope >= smallest - slack && slope <= largest + slack;
    };
    return is_inside(element.tape) && is_inside(element.numeric);
}

}  // namespace

template <class T>
auto TapeBeside<T>::sample(std::size_t count, const std::function<T(T x, double weight)>& moved)
    -> std::vector<Gradients> {
    CheckRandom random(seed_ + 41);
    std::vector<Gradients> samples;
    for (std::size_t n = 0; n < count; ++n) {
        const MovedInputs<T> back(subject_);
        for (std::size_t k = 0; k < subject_.own_inputs(); ++k)
            for (T& x : subject_.elements(k)) x = moved(x, random.weight());
        try {
            samples.push_back(subject_.differentiate(cotangent_).gradients);
        } catch (const std::exception&) {
            continue;  // not defined there
        }
    }
    return samples;
}

template <class T>
void TapeBeside<T>::sample(const Differences<T>& differences) {
    if (!last_places_.empty()) return;
    last_places_ = sample(points_of_last_places, next_number<T>);
    beside_ = sample(points_beside, [&](T x, double weight) {
        const double step = differences.step_for(static_cast<double>(x)) * part_of_step;
        return static_cast<T>(static_cast<double>(x) + weight * step);
    });
}

// To first order; each value that is computed is off by its own rounding, which its cotangent carries to the
// results.
template <class T>
double rounding_on_the_way(Tape<T>& tape, const std::vector<GradientRoot<T>>& roots, double epsilon) {
    const WrtList<T> nodes = every_node(tape);
    const auto cotangents = gradient(roots, nodes);
    auto node = nodes.list().begin();
    double squares = 0;
    for (const Tensor<T>& of_node : cotangents) {
        const Var<T>& var = (node++)->var();
        if (tape.inputs(var.index()).empty()) continue;  // it is given, and rounded by nobody
        const Array<T> value = var.array();
        for (std::size_t i = 0; i < value.size(); ++i) {
            const double part = static_cast<double>(of_node.data()[i]) * static_cast<double>(value.data()[i]);
            squares += part * part;
        }
    }
    return rounding_units * epsilon * std::sqrt(squares);
}

template <class T>
double rounding_on_the_way(Subject<T>& subject, const std::vector<double>& cotangent, double epsilon) {
    Tape<T> tape;
    const auto results = subject.differentiated(subject.run(tape));
    return rounding_on_the_way(tape, subject.roots(results, cotangent), epsilon);
}

template <class T>
double TapeBeside<T>::rounding(double epsilon) {
    if (!rounding_.has_value()) rounding_ = rounding_on_the_way(subject_, cotangent_, epsilon);
    return *rounding_;
}

template <class T>
void TapeBeside<T>::excuse(std::size_t k, std::vector<CheckedElement>& elements,
                           const Differences<T>& differences) {
    for (CheckedElement& one : elements) {
        if (one.verdict != Verdict::wrong || !std::isfinite(one.tape)) continue;
        sample(differences);
        // Among each other: a tape that is away from all of them, which agree, is wrong at this point alone.
        double smallest = HUGE_VAL;
        double largest = -HUGE_VAL;
        for (const Gradients& there : last_places_) {
            smallest = std::min(smallest, there[k][one.index]);
            largest = std::max(largest, there[k][one.index]);
        }
        if (std::abs(one.difference) <= spread_margin * (largest - smallest) ||
            std::abs(one.difference) * one.step <= rounding(differences.tolerances().epsilon))
            one.verdict = Verdict::rounding;
        else if (are_among(beside_, k, one))
            one.verdict = Verdict::kink;
    }
}

template class TapeBeside<float>;
template class TapeBeside<double>;
template double rounding_on_the_way(Tape<float>&, const std::vector<GradientRoot<float>>&, double);
template double rounding_on_the_way(Tape<double>&, const std::vector<GradientRoot<double>>&, double);
template double rounding_on_the_way(Subject<float>&, const std::vector<double>&, double);
template double rounding_on_the_way(Subject<double>&, const std::vector<double>&, double);

}  // namespace tapeloop::detail
