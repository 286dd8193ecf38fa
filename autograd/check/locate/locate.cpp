#include <autograd/check/judge/random.hpp>
#include <autograd/check/locate/explain_edge.hpp>
#include <autograd/check/locate/locate.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

template <class T>
class Location {
  public:
    Location(Subject<T>& subject, const Differences<T>& differences, double failing)
        : subject_(subject),
          differences_(differences),
          edge_differences_(subject, differences.tolerances().epsilon),
          failing_(failing) {}

    std::optional<Located> find(std::size_t input) {
        const std::optional<RecordedEdges> recorded =
            record_edges<T>(subject_, differences_.cotangent(), input);
        if (!recorded.has_value()) return {};
        const std::vector<Edge>& edges = recorded->edges;
        std::vector<const Edge*> wrong;
        bool all_right = true;
        for (const Edge& edge : edges) {
            const std::optional<Judgement> found = judge(edge);
            if (!found.has_value()) return {};
            if (*found == Judgement::wrong) wrong.push_back(&edge);
            all_right = all_right && *found == Judgement::right;
        }
        if (wrong.empty() && !all_right) return {};
        Located located;
        located.detached = recorded->detached;
        if (wrong.empty()) return located;
        const Edge& first = **std::min_element(wrong.begin(), wrong.end(),
                                               [](const Edge* a, const Edge* b) { return a->to < b->to; });
        located.rule = first.rule;
        located.rule->others = wrong.size() - 1;
        located.is_at_input =
            std::none_of(edges.begin(), edges.end(), [&](const Edge& edge) { return edge.to == first.from; });
        located.explanation = explain_edge(subject_, differences_, first, edges, input);
        return located;
    }

  private:
    /// Right and wrong are told with a margin, of several steps that agree.
    enum class Judgement { right, wrong, untold };

    std::optional<Judgement> judge(const Edge& edge) {
        if (edge.delivered.empty() || edge.cotangent.empty()) return Judgement::right;
        const std::size_t size = edge.delivered.size();
        // Each element by its own step: what suits a mask of -1e9 says nothing of a score beside it.
        std::vector<double> direction = random_weights(size, edge.to * 31 + edge.from);
        double squares = 0;
        for (std::size_t i = 0; i < size; ++i) {
            direction[i] *= differences_.step_for(edge.values[i]);
            squares += edge.delivered[i] * edge.delivered[i] * direction[i] * direction[i];
        }
        const double tape = sum_of_products(edge.delivered, direction);
        if (!std::isfinite(tape)) return Judgement::wrong;
        const double needed = failing_ / (4 * std::sqrt(static_cast<double>(size)));
        double before = 0;  // the error by the step before this one
        bool is_steady = false;
        for (const double part : {1.0, 1.0 / 8, 1.0 / 64}) {
            std::vector<double> step = direction;
            for (double& amount : step) amount *= part;
            const std::vector<double> changed = edge_differences_.change(edge, step);
            if (changed.empty()) return {};
            const double numeric = sum_of_products(changed, edge.cotangent) / part;
            const double error = numeric - tape;
            const double scale = std::sqrt(squares) + std::abs(numeric);
            const double noise = edge_differences_.rounding() / part;
            if (std::abs(error) <= close_to_differences<T> * scale + noise)
                return close_to_differences<T> * scale + noise <=
                                   std::max(needed, close_to_differences<T>) * scale ||
                               scale == 0
                           ? Judgement::right
                           : Judgement::untold;
            const std::optional<double> bent = edge_differences_.bend(edge);
            if (!bent.has_value()) return {};
            // At a kink either slope is right.
            if (part < 1.0 / 32 && std::abs(error) <= close_to_differences<T> * scale + noise + *bent / part)
                return Judgement::untold;
            const bool agrees = std::abs(error - before) <= std::abs(error) / 4;
            is_steady = is_steady || (part < 1 && agrees && std::abs(error) > 4 * noise);
            before = error;
        }
        return is_steady ? Judgement::wrong : Judgement::untold;
    }

    Subject<T>& subject_;
    const Differences<T>& differences_;
    EdgeDifferences<T> edge_differences_;
    double failing_;  ///< the relative difference that is to be explained
};

}  // namespace

template <class T>
std::optional<Located> locate(Subject<T>& subject, const Differences<T>& differences, std::size_t input,
                              double failing) {
    return Location<T>(subject, differences, failing).find(input);
}

template std::optional<Located> locate(Subject<float>&, const Differences<float>&, std::size_t, double);
template std::optional<Located> locate(Subject<double>&, const Differences<double>&, std::size_t, double);

}  // namespace tapeloop::detail
