#include <autograd/study/page/ledger_parameter.hpp>
#include <autograd/study/page/play_text.hpp>
#include <autograd/study/play/transcribe.hpp>

#include <fmt/format.h>

#include <stdexcept>

namespace tapeloop::detail {
namespace {

[[noreturn]] void fail_playground(std::string_view reason) {
    throw std::invalid_argument(fmt::format("playground: {}", reason));
}

template <class T>
void require_node(const Tape<T>& tape, NodeIndex node, std::string_view what) {
    if (node >= tape.size())
        fail_playground(fmt::format("{} is node {}, and the tape has {}; it must be one of this tape", what,
                                    node, tape.size()));
}

}  // namespace

template <class T>
std::string play_text(Tape<T>& tape, const Graph& graph, std::optional<NodeIndex> J,
                      const StudyOptions& options) {
    const Playground& wanted = options.playground.value();
    if (!J.has_value())
        fail_playground("the page must have one root with one element, a loss, of which all gradients are");
    if (!options.ledgers.empty() && wanted.losses.empty())
        fail_playground("the page has ledgers; say of which losses they are: Playground(losses, states)");
    if (options.spectrum.has_value() && wanted.states.empty())
        fail_playground("the page has a spectrum; say of which states it is: Playground(losses, states)");
    for (const NodeIndex loss : wanted.losses) require_node(tape, loss, "a loss");
    for (const std::vector<NodeIndex>& state : wanted.states)
        for (const NodeIndex part : state) require_node(tape, part, "a state");

    Transcript transcript{
        .lines = transcribed(tape), .loss = *J, .losses = wanted.losses, .gates = options.gates};
    for (const GradientLedger& ledger : options.ledgers) {
        const std::optional<NodeIndex> parameter = ledger_parameter(ledger, graph);
        if (!parameter.has_value())
            fail_playground(fmt::format("the ledger of {} is not of this tape", ledger.parameter));
        transcript.ledgers.push_back(*parameter);
    }
    if (options.spectrum.has_value()) {
        transcript.states = wanted.states;
        transcript.row = options.spectrum->row;
    }
    return transcript.text();
}

template std::string play_text(Tape<float>&, const Graph&, std::optional<NodeIndex>, const StudyOptions&);
template std::string play_text(Tape<double>&, const Graph&, std::optional<NodeIndex>, const StudyOptions&);

}  // namespace tapeloop::detail
