#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// Rooms of one floor may know the floors below, and each itself; not one another.
struct Room {
    std::string_view name;
    std::vector<std::string_view>
        files;  ///< folders without theirs (`nn/cells/`), stems (`autograd/tape.`), files
    std::vector<std::string_view> knows;  ///< the rooms that it stands on; theirs as well
};

// The one place that says which room stands on which. A file belongs to the entry that names most of its
// path. What lies in `autograd` itself lies above its folders, but for what these are written in terms of.
const std::vector<Room>& rooms() {
    static const std::vector<Room> list{
        {"kernels", {"autograd/kernels/", "autograd/shape.", "autograd/tensor.hpp"}, {}},
        {"products", {"autograd/kernels/products/"}, {"kernels"}},
        {"tape",
         {"autograd/var.", "autograd/parameter.", "autograd/tape.", "autograd/wrt.",
          "autograd/record/description.", "autograd/record/observer.", "autograd/record/onnx_value.",
          "autograd/record/open_tapes.", "autograd/record/operation.", "autograd/record/rollback.",
          "autograd/record/steps."},
         {"products"}},
        {"sweep", {"autograd/sweep/"}, {"tape"}},
        {"record", {"autograd/record/"}, {"sweep"}},
        {"ops", {"autograd/ops/", "autograd/ops/elementary/"}, {"record"}},
        {"map", {"autograd/map/"}, {"ops"}},
        {"autograd", {"autograd/"}, {"map"}},
        {"check report",
         {"autograd/check/function.", "autograd/check/input.", "autograd/check/json_writer.",
          "autograd/check/options.", "autograd/check/report.", "autograd/check/report_json."},
         {"autograd"}},
        {"judge", {"autograd/check/judge/"}, {"check report"}},
        {"locate", {"autograd/check/locate/"}, {"judge"}},
        {"check", {"autograd/check/"}, {"locate"}},
        {"graph", {"autograd/study/graph/"}, {"autograd"}},
        {"jacobian", {"autograd/study/jacobian/"}, {"graph"}},
        {"events", {"autograd/study/events/"}, {"autograd"}},
        {"flow", {"autograd/study/flow/"}, {"jacobian"}},
        {"derivation", {"autograd/study/derivation/"}, {"flow"}},
        {"explain", {"autograd/study/explain/"}, {"derivation"}},
        {"play", {"autograd/study/play/"}, {"flow"}},
        {"playground",
         {"autograd/study/page/web/playground/", "autograd/study/page/web/playground/stand_ins/"},
         {"play"}},
        {"page", {"autograd/study/page/"}, {"explain", "play"}},
        {"optim", {"optim/"}, {"autograd"}},
        {"nn", {"nn/"}, {"autograd"}},
        {"sequence", {"nn/sequence/"}, {"nn"}},
        {"cells", {"nn/cells/"}, {"sequence"}},
        {"linear cells", {"nn/cells/linear/"}, {"cells"}},
        {"layers", {"nn/layers/"}, {"sequence"}},
        {"cell variants", {"nn/cells/variants/"}, {"cells", "layers"}},
        {"losses", {"nn/losses/"}, {"sequence"}},
        {"ctc", {"nn/losses/ctc/"}, {"losses"}},
        {"wrappers", {"nn/wrappers/"}, {"cells", "layers", "losses"}},
        {"decoding", {"nn/decoding/"}, {"cells", "layers", "losses"}},
        {"closed_form", {"nn/closed_form/"}, {"cells", "layers", "losses"}},
        {"files", {"nn/files/"}, {"sequence"}},
        {"npz", {"nn/files/npz/"}, {"files"}},
        {"weights", {"nn/files/weights/"}, {"files", "npz"}},
        {"naming", {"nn/files/naming/"}, {"weights", "cells", "cell variants", "layers", "wrappers"}},
        {"onnx", {"nn/files/onnx/"}, {"naming"}},
        {"checkpoint", {"nn/files/checkpoint/"}, {"files", "optim"}},
        {"nn check", {"nn/check/"}, {"check", "wrappers", "closed_form"}},
        {"mpi", {"optim/mpi/"}, {"optim", "nn"}},
        {"check of cells", {"nn/check/cell/"}, {"nn check"}},
        {"check of bptt", {"nn/check/bptt/"}, {"nn check"}},
        {"nn study", {"nn/study/"}, {"nn check", "jacobian"}},
    };
    return list;
}

/// Headers that collect what a folder has for users: they may include all, and nothing includes them.
const std::set<std::string_view>& collections() {
    static const std::set<std::string_view> list{
        "autograd/autograd.hpp",    "autograd/check/check.hpp",
        "autograd/study/study.hpp", "nn/nn.hpp",
        "nn/check/check.hpp",       "nn/check/doctest.hpp",
        "nn/check/gtest.hpp",       "nn/check/catch2.hpp",
        "nn/files/files.hpp",       "nn/files/onnx/onnx.hpp",
        "nn/losses/losses.hpp",     "nn/study/study.hpp",
        "optim/optim.hpp",          "optim/mpi/mpi.hpp",
    };
    return list;
}

struct File {
    std::string path;  ///< from the root: `autograd/tape.hpp`
    std::string text;
};

/// Returns whether the path lies in this folder, has this stem or is this file.
bool is_of(std::string_view path, std::string_view part) {
    return path.starts_with(part) &&
           (part.back() != '/' || path.find('/', part.size()) == std::string_view::npos);
}

const Room* room_of(std::string_view path) {
    const Room* found = nullptr;
    std::size_t length = 0;
    for (const Room& room : rooms())
        for (const std::string_view part : room.files)
            if (is_of(path, part) && part.size() > length) {
                found = &room;
                length = part.size();
            }
    return found;
}

bool stands_on(const Room& room, std::string_view below) {
    return room.name == below || std::any_of(room.knows.begin(), room.knows.end(), [&](auto known) {
               const auto next = std::find_if(rooms().begin(), rooms().end(),
                                              [&](const Room& one) { return one.name == known; });
               return next != rooms().end() && stands_on(*next, below);
           });
}

/// The paths that a file includes from the library's folders.
std::vector<std::string> includes_of(const std::string& text) {
    static const std::regex pattern(
        R"re(^[ \t]*#[ \t]*include[ \t]*[<"]((?:autograd|nn|optim)/[^>"]+)[>"])re",
        std::regex::ECMAScript | std::regex::multiline);
    std::vector<std::string> found;
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
        found.push_back((*match)[1]);
    return found;
}

/// Says what is wrong with the includes of these files, in sentences.
std::vector<std::string> faults_of(const std::vector<File>& files) {
    std::vector<std::string> faults;
    for (const File& file : files) {
        if (collections().count(file.path) != 0) continue;
        const Room* room = room_of(file.path);
        if (room == nullptr) {
            faults.push_back(file.path + " is in no room; say in tests/rooms_test.cpp which it belongs to");
            continue;
        }
        for (const std::string& included : includes_of(file.text)) {
            const Room* other = room_of(included);
            if (collections().count(included) != 0)
                faults.push_back(file.path + " includes " + included +
                                 ", which only collects; include what it needs");
            else if (other == nullptr)
                faults.push_back(file.path + " includes " + included + ", which is in no room");
            else if (!stands_on(*room, other->name))
                faults.push_back(file.path + " (" + std::string(room->name) + ") includes " + included +
                                 " (" + std::string(other->name) + "), which does not lie below it");
        }
    }
    return faults;
}

std::vector<File> library() {
    std::vector<File> files;
    const fs::path root = TAPELOOP_SOURCE_DIR;
    for (const char* folder : {"autograd", "nn", "optim"})
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
            const fs::path extension = entry.path().extension();
            if (extension != ".hpp" && extension != ".cpp") continue;
            std::ostringstream text;
            text << std::ifstream(entry.path()).rdbuf() << "\n";
            files.push_back({entry.path().lexically_relative(root).generic_string(), text.str()});
        }
    return files;
}

std::string first_fault(const File& file) {
    const std::vector<std::string> faults = faults_of({file});
    return faults.empty() ? "" : faults.front();
}

}  // namespace

TEST_CASE("rooms: no file includes what does not lie below it") {
    const std::vector<File> files = library();
    CHECK(files.size() > 200);  // it has read something
    for (const std::string& fault : faults_of(files)) FAIL_CHECK(fault);
}

TEST_CASE("rooms: each is named once, stands on known ones, and holds a file") {
    const std::vector<File> files = library();
    std::set<std::string_view> names;
    for (const Room& room : rooms()) {
        CAPTURE(room.name);
        for (const std::string_view known : room.knows)
            CHECK(names.count(known) == 1);  // so there is no circle
        CHECK(names.insert(room.name).second);
        for (const std::string_view part : room.files) {
            CAPTURE(part);
            CHECK(std::any_of(files.begin(), files.end(),
                              [&](const File& file) { return is_of(file.path, part); }));
        }
    }
    for (const std::string_view one : collections()) {
        CAPTURE(one);
        CHECK(std::any_of(files.begin(), files.end(), [&](const File& file) { return file.path == one; }));
    }
}

TEST_CASE("rooms: an arrow that runs back, or between neighbours, is found however it is written") {
    const auto back = [](const std::string& from, const std::string& include) {
        return first_fault({from, "// a comment\n" + include + "\nint x;\n"});
    };
    CHECK(
        back("autograd/kernels/pool.cpp", "#include <autograd/tape.hpp>") ==
        "autograd/kernels/pool.cpp (kernels) includes autograd/tape.hpp (tape), which does not lie below it");
    for (const char* include : {"#include <nn/nn.hpp>", "#include \"nn/sequence/cell.hpp\"",
                                "  #  include  <nn/sequence/cell.hpp>"})
        CHECK(back("autograd/ops/join.cpp", include) != "");
    CHECK(back("autograd/shape.cpp", "#include <autograd/ops/shape.hpp>") != "");
    CHECK(back("autograd/record/observer.hpp", "#include <autograd/record/definition.hpp>") != "");
    CHECK(back("autograd/study/graph/text.cpp", "#include <autograd/study/page/json.hpp>") != "");
    CHECK(back("nn/cells/gru_cell.hpp", "#include <nn/layers/linear.hpp>") != "");
    CHECK(back("nn/check/in_double.cpp", "#include <nn/check/cell/check_cell.hpp>") != "");
    CHECK(back("nn/check/cell/check_cell.hpp", "#include <nn/check/bptt/verify_bptt.hpp>") != "");
    CHECK(back("optim/adam.hpp", "#include <nn/generator.hpp>") != "");
    CHECK(back("autograd/ops/join.hpp", "#include <autograd/autograd.hpp>") != "");
    CHECK(back("autograd/record/definition.hpp", "#include <autograd/kernels/pool.hpp>") == "");
    CHECK(back("nn/check/bptt/verify_bptt.cpp", "#include <nn/check/in_double.hpp>\n#include <vector>") ==
          "");
}

TEST_CASE("rooms: a folder that is in no room is found, as a file and as what is included") {
    CHECK(first_fault({"autograd/helpers/more.hpp", ""}) ==
          "autograd/helpers/more.hpp is in no room; say in tests/rooms_test.cpp which it belongs to");
    CHECK(first_fault({"nn/cells/more/one.hpp", ""}) != "");
    CHECK(first_fault({"nn/cells/one.hpp", ""}) == "");
    CHECK(first_fault({"nn/cells/gru_cell.cpp", "#include <nn/extras/one.hpp>"}) ==
          "nn/cells/gru_cell.cpp includes nn/extras/one.hpp, which is in no room");
}
