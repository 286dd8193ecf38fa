#include <fmt/format.h>
#include <autograd/study/derivation/node_names.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

namespace tapeloop::detail {
namespace {

bool is_activation(const Description& operation) { return operation.kind == OperationKind::activation; }
/// Returns whether an operation adds one of its arguments as it is to something.
bool is_sum(const Description& operation) {
    const auto is_handed_on = [](const Description::Rule& rule) { return rule.is_unchanged(); };
    return operation.kind == OperationKind::addition ||
           (operation.kind == OperationKind::product &&
            std::any_of(std::begin(operation.rules), std::end(operation.rules), is_handed_on));
}

std::string subscript(int number) {
    constexpr std::string_view digits = "₀₁₂₃₄₅₆₇₈₉";
    std::string result;
    for (char digit : std::to_string(number))
        result += digit == '-' ? std::string("₋")
                               : std::string(digits.substr(3 * static_cast<std::size_t>(digit - '0'), 3));
    return result;
}

/// `h0` and `h_0` are h with the subscript 0.
NodeName parsed(const std::string& name) {
    std::size_t end = name.size();
    while (end > 0 && std::isdigit(static_cast<unsigned char>(name[end - 1])) != 0) --end;
    const std::size_t letters = end > 1 && name[end - 1] == '_' ? end - 1 : end;
    if (end == name.size() || letters == 0 || name.size() - end > 4) return {name, {}, false};
    return {name.substr(0, letters), std::stoi(name.substr(end)), false};
}

template <class T>
class Naming {
  public:
    Naming(const Tape<T>& tape, NodeIndex J, const std::vector<bool>& wanted,
           const std::vector<std::optional<NodeIndex>>& asked)
        : tape_(tape), J_(J), wanted_(wanted), asked_(asked), names_(J + 1), users_(J + 1) {
        for (NodeIndex node = 0; node <= J; ++node)
            if (wanted[node])
                for (NodeIndex input : tape.inputs(node)) users_[input].push_back(node);
    }

    std::vector<NodeName> all() {
        name_given();
        name_numbers();
        name_steps();
        name_initial_states();
        name_others();
        name_parts();
        return std::move(names_);
    }

  private:
    /// The place in a step's code where a node was recorded: the same for all steps.
    using Place =
        std::tuple<std::string, std::string, std::uint32_t, std::uint32_t, std::string, std::size_t>;

    const Description& operation(NodeIndex node) const { return tape_.node(node).operation->description(); }
    OperationKind kind(NodeIndex node) const { return operation(node).kind; }
    bool has_name(NodeIndex node) const { return !names_[node].letter.empty(); }
    bool has_value(NodeIndex node) const { return wanted_[node] && tape_.node(node).data != nullptr; }
    /// One of the results of `unstack`, which are called by what was unstacked.
    bool is_part(NodeIndex node) const {
        return kind(node) == OperationKind::result && kind(tape_.inputs(node)[0]) == OperationKind::split;
    }
    std::optional<int> time_of(NodeIndex node) const {
        const auto t = tape_.time_step(node);
        return t.has_value() && tape_.parameter(node) == nullptr
                   ? std::optional<int>(static_cast<int>(*t) + 1)
                   : std::nullopt;
    }

    /// Gives a name, with primes if another node has it.
    void give(NodeIndex node, NodeName name) {
        while (!taken_.insert(name.text()).second) name.letter += "′";
        // h0 is what h is before the first step, and leaves the letter to the steps.
        const bool is_initial = name.is_time && name.number == 0;
        if (!is_initial) letters_.insert(name.letter);
        names_[node] = std::move(name);
    }

    void name_given() {
        for (NodeIndex node = 0; node <= J_; ++node) {
            const std::string given = has_value(node) ? tape_.name(node) : std::string();
            if (given.empty()) continue;
            NodeName name = parsed(given);
            if (!name.number.has_value() && time_of(node).has_value())
                name = {name.letter, time_of(node), true};
            if (name.number.has_value()) name.is_time = true;
            give(node, std::move(name));
        }
        if (!has_name(J_)) give(J_, {"J", {}, false});
    }

    void name_numbers() {
        const auto is_asked = [this](NodeIndex node) {
            return std::find(asked_.begin(), asked_.end(), std::optional(node)) != asked_.end();
        };
        for (NodeIndex node = 0; node <= J_; ++node)
            if (has_value(node) && !has_name(node) && kind(node) == OperationKind::constant &&
                tape_.node(node).shape.rank() == 0 && !is_asked(node))
                names_[node] = {fmt::format("{:.6g}", *tape_.node(node).data), {}, false, true};
    }

    void name_steps() {
        std::map<std::pair<int, Place>, std::size_t> counts;
        std::vector<NodeIndex> nodes;
        for (NodeIndex node = 0; node <= J_; ++node) {
            const std::optional<int> t = time_of(node);
            if (!has_value(node) || has_name(node) || !t.has_value() || is_part(node)) continue;
            Place place = place_of(node);
            std::get<5>(place) = counts[{*t, place}]++;
            places_.emplace(node, place);
            nodes.push_back(node);
        }
        std::map<Place, std::string> letters;
        const auto choose = [&](NodeIndex node, const std::string& wish) {
            if (letters.contains(places_[node])) return;
            letters_.insert(letters[places_[node]] = free_letter(wish));
        };
        // States first, which everything else is about.
        for (NodeIndex node : nodes)
            if (const std::string wish = wish_of_state(node); !wish.empty()) choose(node, wish);
        for (NodeIndex node : nodes) choose(node, wish_of(node));
        for (NodeIndex node : nodes) give(node, {letters[places_[node]], time_of(node), true});
    }
    /// h for what a product of the next step reads, c for what is only carried on; empty for what no later
    /// step uses.
    std::string wish_of_state(NodeIndex node) const {
        std::string wish;
        for (NodeIndex user : users_[node]) {
            const std::optional<int> t = time_of(user);
            if (!t.has_value() || *t <= *time_of(node)) continue;
            if (kind(user) == OperationKind::product) return "h";
            wish = "c";
        }
        return wish;
    }
    Place place_of(NodeIndex node) const {
        const CallSite& site = tape_.node(node).site;
        return {std::string(tape_.node(node).operation->name()),
                site.file_name(),
                site.line(),
                site.column(),
                tape_.module(node),
                0};
    }

    /// Names what the first step gets where later steps get a node of the step before.
    void name_initial_states() {
        std::map<Place, std::vector<NodeIndex>> steps;
        for (const auto& [node, place] : places_) steps[place].push_back(node);
        for (auto& [place, nodes] : steps) {
            std::sort(nodes.begin(), nodes.end());
            for (std::size_t k = 1; k < nodes.size(); ++k) name_initial_states(nodes[0], nodes[k]);
        }
    }
    void name_initial_states(NodeIndex first, NodeIndex later) {
        const auto before = tape_.inputs(first);
        const auto usual = tape_.inputs(later);
        for (std::size_t k = 0; k < std::min(before.size(), usual.size()); ++k) {
            const NodeName& name = names_[usual[k]];
            const bool is_from_before = name.is_time && name.number == *time_of(later) - 1;
            if (!is_from_before || time_of(before[k]).has_value()) continue;
            if (!has_name(before[k]))
                give(before[k], {name.letter, *time_of(first) - 1, true});
            else
                note_state(names_[before[k]], name.letter, *time_of(first));
        }
    }

    static void note_state(NodeName& own, const std::string& letter, int first_step) {
        if (own.is_constant) return;
        own.state = letter;
        own.first_step = first_step;
    }

    /// Nodes outside of time steps; several with one letter are numbered.
    void name_others() {
        std::map<std::string, std::vector<NodeIndex>> groups;
        for (NodeIndex node = 0; node <= J_; ++node)
            if (has_value(node) && !has_name(node) && !is_part(node)) groups[wish_of(node)].push_back(node);
        for (const auto& [wish, nodes] : groups) {
            const std::string letter = free_letter(wish);
            for (std::size_t k = 0; k < nodes.size(); ++k)
                give(nodes[k],
                     {letter, nodes.size() == 1 ? std::nullopt : std::optional<int>(static_cast<int>(k) + 1),
                      false});
        }
    }

    void name_parts() {
        for (NodeIndex node = 0; node <= J_; ++node) {
            if (!has_value(node) || has_name(node) || !is_part(node)) continue;
            const NodeIndex maker = tape_.inputs(node)[0];
            std::string letter = names_[tape_.inputs(maker)[0]].letter;
            if (letter.size() == 1) letter[0] = static_cast<char>(std::tolower(letter[0]));
            give(node, {letter, static_cast<int>(node - maker), true});
        }
    }

    bool is_used_by(NodeIndex node, const auto& holds) const {
        return std::any_of(users_[node].begin(), users_[node].end(),
                           [&](NodeIndex user) { return holds(operation(user)); });
    }

    std::string wish_of_product(NodeIndex node) const {
        if (is_used_by(node, is_activation)) return "a";
        if (is_used_by(node, is_sum)) return "u";
        return "o";
    }
    std::string wish_of_constant(NodeIndex node) const {
        for (NodeIndex user : users_[node]) {
            if (kind(user) == OperationKind::split) return "X";
            const auto inputs = tape_.inputs(user);
            const bool has_target =
                kind(user) == OperationKind::error || kind(user) == OperationKind::subtraction;
            if (has_target && inputs.size() > 1 && inputs[1] == node) return "y";
        }
        return "x";
    }
    std::string wish_of_stack(NodeIndex node) const {
        std::string letter = names_[tape_.inputs(node)[0]].letter;
        if (letter.size() != 1) return "S";
        letter[0] = static_cast<char>(std::toupper(letter[0]));
        return letter;
    }
    std::string wish_of(NodeIndex node) const {
        const Description& own = operation(node);
        if (!own.letter.empty()) return std::string(own.letter);
        switch (own.kind) {
            case OperationKind::constant:
                return wish_of_constant(node);
            case OperationKind::join:
                return wish_of_stack(node);
            case OperationKind::product:
                return wish_of_product(node);
            case OperationKind::addition:
                return is_used_by(node, is_activation) ? "a" : "v";
            case OperationKind::result:
                return node == tape_.inputs(node)[0] + 1 ? "h" : "c";
            case OperationKind::activation:
                return "h";
            default:
                return "z";
        }
    }

    /// The letter that is wished for, or another one that is not taken.
    std::string free_letter(const std::string& wish) const {
        constexpr std::string_view others[] = {"z", "v", "w", "r", "q", "n", "m", "k", "p", "d", "e", "s",
                                               "f", "g", "i", "l", "α", "β", "γ", "λ", "ρ", "τ", "φ", "ω"};
        if (!letters_.contains(wish)) return wish;
        for (std::string_view letter : others)
            if (!letters_.contains(std::string(letter))) return std::string(letter);
        std::string primed = wish + "′";
        while (letters_.contains(primed)) primed += "′";
        return primed;
    }

    const Tape<T>& tape_;
    NodeIndex J_;
    const std::vector<bool>& wanted_;
    const std::vector<std::optional<NodeIndex>>& asked_;
    std::vector<NodeName> names_;
    std::vector<std::vector<NodeIndex>> users_;
    std::map<NodeIndex, Place> places_;
    std::set<std::string> taken_;
    std::set<std::string> letters_;
};

}  // namespace

std::string NodeName::text() const { return number.has_value() ? letter + subscript(*number) : letter; }

std::string NodeName::text_from(int t) const {
    if (!state.empty() && t == first_step) return state + "ₜ₋₁";
    if (!is_time || !number.has_value()) return text();
    switch (*number - t) {
        case -1:
            return letter + "ₜ₋₁";
        case 0:
            return letter + "ₜ";
        case 1:
            return letter + "ₜ₊₁";
        default:
            return {};
    }
}

template <class T>
std::vector<NodeName> name_nodes(const Tape<T>& tape, NodeIndex J, const std::vector<bool>& wanted,
                                 const std::vector<std::optional<NodeIndex>>& asked) {
    return Naming<T>(tape, J, wanted, asked).all();
}

template std::vector<NodeName> name_nodes(const Tape<float>&, NodeIndex, const std::vector<bool>&,
                                          const std::vector<std::optional<NodeIndex>>&);
template std::vector<NodeName> name_nodes(const Tape<double>&, NodeIndex, const std::vector<bool>&,
                                          const std::vector<std::optional<NodeIndex>>&);

}  // namespace tapeloop::detail
