#include <nn/files/replace_file.hpp>
#include <nn/files/safetensors.hpp>
#include <tests/expect.hpp>
#include <tests/nn/files/faulty_system.hpp>
#include <tests/nn/files/file_bytes.hpp>

#include <sys/stat.h>
#include <sys/wait.h>

#include <thread>

namespace {

using namespace tapeloop;
using namespace tapeloop::test;
using nn::detail::FileWriter;
using nn::detail::replace_file;
using nn::detail::SystemCallsScope;

namespace fs = std::filesystem;

void replace(const fs::path& file, const std::string& contents) {
    replace_file("save", file, [&](FileWriter& out) { out.write(contents); });
}

/// Larger than what is gathered, so that it takes several writes.
const std::string old_contents = "old";
const std::string new_contents = std::string(100'000, 'n') + std::string(1000, 'm');

fs::perms permissions(const fs::path& file) { return fs::status(file).permissions(); }

std::string error_of(const fs::path& file) {
    return text_of<std::runtime_error>([&] { replace(file, new_contents); });
}

}  // namespace

TEST_CASE("replace_file: a new file, and a file in the place of another") {
    const Folder folder;
    replace(folder / "f", "one");
    CHECK(bytes_in(folder / "f") == "one");
    replace(folder / "f", new_contents);
    CHECK(bytes_in(folder / "f") == new_contents);
    replace(folder / "f", "");
    CHECK(bytes_in(folder / "f").empty());
    CHECK(folder.names() == std::vector<std::string>{"f"});
}

TEST_CASE("replace_file: pieces of all sizes, and places gone back to") {
    const Folder folder;
    std::string expected;
    replace_file("save", folder / "f", [&](FileWriter& out) {
        const std::vector<std::size_t> sizes{0, 1, 65'535, 1, 65'536, 70'000, 3, 65'537, 200'000, 5};
        for (const std::size_t size : sizes) {
            const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
            CHECK(out.offset() == expected.size());
            out.write(piece);
            expected += piece;
        }
        out.seek(10);
        out.write("patch");
        expected.replace(10, 5, "patch");
        CHECK(out.offset() == 15);
        out.seek(expected.size());
        out.write("end");
        expected += "end";
    });
    CHECK(bytes_in(folder / "f") == expected);
}

TEST_CASE("replace_file: permissions, links and the name's folder stay") {
    const Folder folder;
    for (const unsigned mode : {0600U, 0640U, 0755U, 0666U}) {
        put_bytes(folder / "f", "old");
        fs::permissions(folder / "f", fs::perms{mode});
        replace(folder / "f", "new");
        CHECK(permissions(folder / "f") == fs::perms{mode});
    }
    fs::create_directory(folder / "elsewhere");
    put_bytes(folder / "elsewhere/target", "old");
    fs::create_symlink("elsewhere/target", folder / "link");
    fs::create_symlink(folder / "link", folder / "link to link");
    replace(folder / "link to link", "new");
    CHECK(fs::read_symlink(folder / "link") == "elsewhere/target");
    CHECK(fs::is_symlink(folder / "link to link"));
    CHECK(bytes_in(folder / "elsewhere/target") == "new");
    // A link to what is not there yet makes it.
    fs::create_symlink("elsewhere/other", folder / "open link");
    replace(folder / "open link", "new");
    CHECK(bytes_in(folder / "elsewhere/other") == "new");
    CHECK(folder.names() == std::vector<std::string>{"elsewhere", "f", "link", "link to link", "open link"});

    // Who has the old file open goes on reading it.
    std::ifstream reader(folder / "f");
    replace(folder / "f", "newer");
    std::string seen;
    reader >> seen;
    CHECK(seen == "new");
}

TEST_CASE("replace_file: a new file gets the permissions that any would") {
    const Folder folder;
    const mode_t before = ::umask(027);
    replace(folder / "f", "new");
    ::umask(before);
    CHECK(permissions(folder / "f") == fs::perms{0640});
}

TEST_CASE("replace_file: a file that is protected is not replaced, but by root") {
    const Folder folder;
    put_bytes(folder / "f", "old");
    fs::permissions(folder / "f", fs::perms{0444});
    const std::string text = error_of(folder / "f");
    if (geteuid() == 0) return;
    CHECK(contains(text,
                   "cannot be written: writing to it: Permission denied; what was there stands unchanged"));
    CHECK(bytes_in(folder / "f") == "old");
    // A folder in which nothing can be made.
    fs::create_directory(folder / "closed");
    fs::permissions(folder / "closed", fs::perms{0555});
    CHECK(contains(error_of(folder / "closed/f"),
                   "making a file beside it: Permission denied; nothing was there, and nothing is"));
    // One that can be written to and not listed.
    fs::permissions(folder / "closed", fs::perms{0333});
    CHECK(error_of(folder / "closed/f").empty());
    fs::permissions(folder / "closed", fs::perms{0755});
    CHECK(bytes_in(folder / "closed/f") == new_contents);
}

TEST_CASE("replace_file: what cannot be a file is refused") {
    const Folder folder;
    const auto refused = [&](const fs::path& file, const std::string& reason) {
        CAPTURE(reason);
        CHECK(error_of(file) == fmt::format("save: {} cannot be written: {}", file.string(), reason));
    };
    const std::string old = "; what was there stands unchanged";
    const std::string none = "; nothing was there, and nothing is";
    refused(folder.path(), "it is a folder" + old);
    refused("/dev/null", "it is no regular file" + old);
    refused("", "it names no file" + none);
    refused(folder / "no/f", "there is no folder " + (folder / "no").string() + none);
    refused(folder / "no/", "it names no file" + none);
    put_bytes(folder / "f", "old");
    refused(folder / "f/g", "looking for it: Not a directory" + none);
    fs::create_symlink("loop", folder / "loop");
    refused(folder / "loop", "following its links: Too many levels of symbolic links" + none);
    refused(folder / std::string(300, 'x'), "looking for it: File name too long" + none);
    replace(folder / std::string(255, 'x'), "new");
    CHECK(folder.names().size() == 3);
}

TEST_CASE("replace_file: what the writer throws comes through, and nothing is changed") {
    const Folder folder;
    put_bytes(folder / "f", "old");
    CHECK_THROWS_AS(replace_file("save", folder / "f",
                                 [](FileWriter& out) {
                                     out.write(new_contents);
                                     throw std::bad_alloc();
                                 }),
                    std::bad_alloc);
    CHECK(bytes_in(folder / "f") == "old");
    CHECK(folder.names() == std::vector<std::string>{"f"});
}

TEST_CASE("replace_file: a fault in any call leaves the old file or the new one, and says which") {
    for (const bool named : {false, true})
        for (const bool exists : {false, true}) {
            std::size_t faults = 0;
            for (bool failed = true; failed; ++faults) {
                const Folder folder;
                if (exists) put_bytes(folder / "f", old_contents);
                FaultySystem system({.fail_at = faults, .named = named});
                std::string text;
                {
                    const SystemCallsScope scope(system);
                    text = error_of(folder / "f");
                }
                CAPTURE(system.failed_call());
                CAPTURE(text);
                failed = !system.failed_call().empty();
                CHECK(system.open_files() == 0);
                const bool in_place = fs::exists(folder / "f") && bytes_in(folder / "f") == new_contents;
                const bool went_well = text.empty();
                if (!in_place && exists) CHECK(bytes_in(folder / "f") == old_contents);
                CHECK(contains(text, "No space left on device") != went_well);
                CHECK(contains(text, "nothing was there, and nothing is") == (!in_place && !exists));
                CHECK(contains(text, "what was there stands unchanged") == (!in_place && exists));
                CHECK(contains(text, "was written and stands, but may be lost") == (in_place && !went_well));
                // Nothing else is left; not even when removing it fails could more be done.
                CHECK(folder.names() ==
                      (in_place || exists ? std::vector<std::string>{"f"} : std::vector<std::string>{}));
            }
            CHECK(faults > 8);
        }
}

TEST_CASE("replace_file: writes that are short or interrupted go on") {
    const Folder folder;
    FaultySystem system({.most_at_once = 777, .interrupted = true});
    {
        const SystemCallsScope scope(system);
        replace(folder / "f", new_contents);
    }
    CHECK(bytes_in(folder / "f") == new_contents);
    CHECK(system.writes() > new_contents.size() / 777);
}

TEST_CASE("replace_file: a process that ends at any call leaves the old file or the new one") {
    for (const bool named : {false, true}) {
        std::size_t old = 0;
        std::size_t whole = 0;
        for (std::size_t at = 0; at < 100; ++at) {
            const Folder folder;
            put_bytes(folder / "f", old_contents);
            const pid_t child = fork();
            if (child == 0) {
                FaultySystem system({.end_at = at, .named = named});
                const SystemCallsScope scope(system);
                replace(folder / "f", new_contents);
                _exit(0);
            }
            int status = 0;
            REQUIRE(waitpid(child, &status, 0) == child);
            const std::string found = bytes_in(folder / "f");
            CHECK((found == old_contents || found == new_contents));
            ++(found == old_contents ? old : whole);
            if (!named && found == old_contents)
                CHECK(folder.names().size() <= 2);  // one, but for its last moment
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                CHECK(found == new_contents);
                break;
            }
        }
        CHECK(old >= 5);
        CHECK(whole > 2);
    }
}

TEST_CASE("replace_file: many writers of one file at once") {
    const Folder folder;
    std::vector<std::thread> writers;
    std::atomic<int> torn = 0;
    for (int k = 0; k < 4; ++k)
        writers.emplace_back([&folder, &torn, k] {
            const std::string mine(100'000, static_cast<char>('a' + k));
            for (int n = 0; n < 25; ++n) {
                replace(folder / "f", mine);
                const std::string seen = bytes_in(folder / "f");
                if (seen.size() != mine.size() || seen != std::string(mine.size(), seen.front())) ++torn;
            }
        });
    for (std::thread& writer : writers) writer.join();
    CHECK(torn == 0);
    CHECK(folder.names() == std::vector<std::string>{"f"});
}

TEST_CASE("replace_file: a file is on the disk before it has its name, and its name before the end") {
    const Folder folder;
    FaultySystem system({});
    const SystemCallsScope scope(system);
    const auto x = array_of<Tensor<float>>({2}, {1, 2});
    nn::write_safetensors(folder / "f", std::vector{nn::view_of("x", x)});
    const std::vector<std::string>& calls = system.calls();
    const auto place = [&](const std::string& call) {
        return std::find(calls.begin(), calls.end(), call) - calls.begin();
    };
    CHECK(place("write") < place("sync file"));
    CHECK(place("sync file") < place("rename"));
    CHECK(place("rename") < place("sync folder"));
    CHECK(place("sync folder") < std::ssize(calls));
}

TEST_CASE("replace_file: a file that cannot be read to its end is the system's fault") {
    const Folder folder;
    const auto x = array_of<Tensor<float>>({2}, {1, 2});
    nn::write_safetensors(folder / "f", std::vector{nn::view_of("x", x)});
    const std::string start = "read_safetensors: " + (folder / "f").string() + ": ";
    for (std::size_t at = 0; at < 4; ++at) {
        FaultySystem system({.fail_at = at});
        const SystemCallsScope scope(system);
        const std::string text = text_of<std::runtime_error>([&] { nn::read_safetensors(folder / "f"); });
        CHECK(text == start + (at == 0 ? "it cannot be opened: " : "it cannot be read: ") +
                          "No space left on device");
        CHECK(system.open_files() == 0);
    }
    FaultySystem system({.most_at_once = 3, .interrupted = true});
    const SystemCallsScope scope(system);
    CHECK(same_bits(nn::read_safetensors(folder / "f").arrays.at("x"), x));
}
