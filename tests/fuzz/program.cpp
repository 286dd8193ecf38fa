#include <tests/fuzz/program.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tapeloop::fuzz {
namespace {

std::string tensor_text(const Tensor<double>& value, const char* type) {
    std::string shape = shape_of(value).text();
    shape.front() = '{';
    shape.back() = '}';
    return fmt::format("{}({}, {{{}}})", type, shape, fmt::join(value.begin(), value.end(), ", "));
}

std::string leaf_text(Id id, const Leaf& leaf) {
    switch (leaf.kind) {
        case LeafKind::input:
            return fmt::format("auto v{} = input({});", id, tensor_text(leaf.value, "tensor"));
        case LeafKind::parameter:
            return fmt::format("Parameter<double> v{0}(\"v{0}\", {1});", id,
                               tensor_text(leaf.value, "tensor"));
        case LeafKind::tensor:
            return fmt::format("const auto v{} = {};", id, tensor_text(leaf.value, "tensor"));
        case LeafKind::number:
            return fmt::format("const double v{} = {};", id, leaf.value.data()[0]);
    }
    return {};
}

std::string result_text(const Line& line) {
    if (line.results == 1) return fmt::format("v{}", line.first_result);
    return fmt::format("results{}", line.first_result);
}

}  // namespace

std::size_t Program::value_count() const {
    return lines.empty() ? 0 : lines.back().first_result + lines.back().results;
}

Tensors Program::leaves() const {
    Tensors all;
    for (const Line& line : lines)
        if (line.leaf) all.push_back(line.leaf->value);
    return all;
}

std::string text_of(const Call& call, const std::function<std::string(Id)>& operand,
                    const std::function<std::string(Id)>& var) {
    std::string text;
    for (std::size_t i = 0; i < call.text.size(); ++i) {
        const char mark = call.text[i];
        if (mark != '$' && mark != '@') {
            text += mark;
            continue;
        }
        const char which = call.text[++i];
        if (which == '*') {
            std::vector<std::string> all;
            for (Id id : call.arguments) all.push_back(var(id));
            text += fmt::format("{{{}}}", fmt::join(all, ", "));
        } else {
            const Id id = call.arguments[static_cast<std::size_t>(which - '0')];
            text += mark == '$' ? operand(id) : var(id);
        }
    }
    return text;
}

std::string Program::text() const {
    // Results of a line with several are elements of its list.
    std::vector<std::string> names(value_count());
    std::vector<bool> is_var(value_count(), true);
    for (const Line& line : lines)
        for (std::size_t k = 0; k < line.results; ++k) {
            const Id id = line.first_result + k;
            names[id] = line.results == 1 ? result_text(line) : fmt::format("{}[{}]", result_text(line), k);
            is_var[id] = !line.leaf || line.leaf->kind == LeafKind::input;
        }
    const auto operand = [&](Id id) { return names[id]; };
    const auto var = [&](Id id) { return is_var[id] ? names[id] : "input(" + names[id] + ")"; };

    std::string text = "Tape<double> tape;\n";
    for (const Line& line : lines) {
        if (line.leaf) {
            text += leaf_text(line.first_result, *line.leaf) + "\n";
            continue;
        }
        const std::string scope = line.scope == Scope::label    ? "LabelScope<double> label(\"part\"); "
                                  : line.scope == Scope::paused ? "Paused<double> paused; "
                                                                : "";
        const std::string value = text_of(line.call, operand, var);
        const std::string name = result_text(line);
        text += scope.empty() ? fmt::format("auto {} = {};\n", name, value)
                              : fmt::format("auto {} = [&] {{ {}return {}; }}();\n", name, scope, value);
    }
    for (const std::string& refusal : refusals) text += "// refused: " + refusal + "\n";
    for (const ProgramRoot& root : roots)
        text += fmt::format("// root {}, cotangent {}\n", names[root.value],
                            tensor_text(root.cotangent, "tensor"));
    return text;
}

}  // namespace tapeloop::fuzz
