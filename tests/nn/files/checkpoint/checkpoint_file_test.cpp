#include <tests/expect.hpp>
#include <tests/nn/files/checkpoint/training.hpp>
#include <tests/nn/files/faulty_system.hpp>

#include <nn/files/safetensors.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace tapeloop;
using namespace tapeloop::test;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t all_steps = 50;

/// A folder of its own, gone with it.
class Folder {
  public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "checkpoint.XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() {
        std::error_code unimportant;
        fs::remove_all(path_, unimportant);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    fs::path file(const std::string& name = "run.safetensors") const { return path_ / name; }
    std::size_t file_count() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), {}));
    }

  private:
    fs::path path_;
};

std::string bytes_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// A weight that is the same everywhere, and the number that it is: whoever finds half of one sees it.
struct Stamped {
    explicit Stamped(std::size_t size)
        : weight("weight", filled({size}, 0)), mirrored("mirrored", filled({size}, 0)) {
        checkpoint.add("model", parameter_list(weight, mirrored));
        checkpoint.add("stamp", stamp);
    }
    void set(std::int64_t number) {
        stamp = number;
        for (Parameter<double>* parameter : {&weight, &mirrored})
            for (double& element : parameter->update()) element = static_cast<double>(number);
    }
    bool is_whole() const {
        const auto right = [&](double element) { return element == static_cast<double>(stamp); };
        return std::ranges::all_of(weight.value(), right) && std::ranges::all_of(mirrored.value(), right);
    }

    Parameter<double> weight;
    Parameter<double> mirrored;
    std::int64_t stamp = 0;
    nn::Checkpoint<double> checkpoint;
};

constexpr const char* child_task = "TAPELOOP_CHECKPOINT_TASK";
constexpr const char* child_case = "checkpoint: a process of its own goes on where another was stopped";

/// What a child does of `OPTIMIZER STEPS FILE`: it goes on from the file, if it is there, saves every step,
/// and is killed.
void run_task(const std::string& task) {
    std::istringstream words(task);
    std::string optimizer;
    std::uint64_t steps = 0;
    fs::path file;
    words >> optimizer >> steps >> file;
    TrainingRun<double> run(optimizer_named<double>(optimizer));
    if (fs::exists(file)) run.checkpoint.load(file);
    while (run.steps() < steps) {
        run.advance_to(run.steps() + 1);
        run.checkpoint.save(file);
    }
    std::raise(SIGKILL);
}

/// Runs this test case in a new process; unless `is_program`, without starting the program anew, which takes
/// most of the time.
void start_task(const std::string& task, bool is_program) {
    const pid_t child = fork();
    REQUIRE(child != -1);
    if (child == 0) {
        if (!is_program) {
            try {
                run_task(task);
            } catch (...) {
            }
            _exit(1);
        }
        setenv(child_task, task.c_str(), 1);
        const std::string filter = std::string("--test-case=") + child_case;
        execl("/proc/self/exe", "tests", filter.c_str(), nullptr);
        _exit(127);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGKILL);
}

}  // namespace

TEST_CASE("checkpoint: a file holds what the checkpoint does, and others can look into it") {
    const Folder folder;
    TrainingRun<float> run(optimizer_named<float>("adam"));
    run.advance_to(13);
    run.checkpoint.save(folder.file());
    const nn::NamedArrays read = nn::read_safetensors(folder.file());
    CHECK(difference(read, run.checkpoint.state()) == "");
    CHECK(read.metadata.at("format") == "tapeloop checkpoint");
    CHECK(read.metadata.at("value/optimizer/beta1") == "0.9");
    CHECK(std::get<xt::xarray<std::uint64_t>>(read.arrays.at("optimizer/steps"))() == 13);
    TrainingRun<float> resumed(optimizer_named<float>("adam"));
    resumed.checkpoint.load(folder.file());
    resumed.checkpoint.save(folder.file("again"));
    CHECK(bytes_of(folder.file()) == bytes_of(folder.file("again")));
}

TEST_CASE("checkpoint: files that are none are refused by name") {
    const Folder folder;
    Stamped here(3);
    here.set(4);
    CHECK(contains(text_of<std::runtime_error>([&] { here.checkpoint.load(folder.file("missing")); }),
                   "missing"));
    std::ofstream(folder.file("text")) << "no checkpoint";
    CHECK(
        contains(text_of<std::invalid_argument>([&] { here.checkpoint.load(folder.file("text")); }), "text"));
    nn::write_safetensors(folder.file("other"), nn::NamedArrays());
    CHECK(contains(text_of<std::invalid_argument>([&] { here.checkpoint.load(folder.file("other")); }),
                   "other: this is no checkpoint"));
    Stamped larger(5);
    larger.checkpoint.save(folder.file("larger"));
    CHECK(contains(text_of<std::invalid_argument>([&] { here.checkpoint.load(folder.file("larger")); }),
                   "larger: what was saved does not fit, and nothing was changed:\n  'model/weight'"));
    here.checkpoint.save(folder.file());
    const std::string whole = bytes_of(folder.file());
    std::ofstream(folder.file("half"), std::ios::binary) << whole.substr(0, whole.size() / 2);
    CHECK(text_of<std::invalid_argument>([&] { here.checkpoint.load(folder.file("half")); }) != "");
    CHECK(here.is_whole());
    CHECK(here.stamp == 4);
}

TEST_CASE(child_case) {
    if (const char* task = std::getenv(child_task)) run_task(task);
    for (const auto& [name, make] : every_optimizer<double>()) {
        CAPTURE(name);
        const Folder folder;
        TrainingRun<double> never_stopped(make);
        for (std::uint64_t step = 1; step <= all_steps; ++step) {
            start_task(name + " " + std::to_string(step) + " " + folder.file().string(), name == "adam");
            never_stopped.advance_to(step);
            CHECK(difference(nn::read_safetensors(folder.file()), never_stopped.checkpoint.state()) == "");
        }
        CHECK(folder.file_count() == 1);
    }
}

TEST_CASE("checkpoint: killed at any moment of saving, the old file is there or the new one") {
    const Folder folder;
    Random random("moments of a kill");
    Stamped child(20'000);
    Stamped parent(20'000);
    child.checkpoint.save(folder.file());
    std::set<std::int64_t> found;
    for (int kill_number = 0; kill_number < 1000; ++kill_number) {
        const pid_t process = fork();
        REQUIRE(process != -1);
        if (process == 0)
            for (std::int64_t stamp = parent.stamp + 1;; ++stamp) {
                child.set(stamp);
                child.checkpoint.save(folder.file());
            }
        usleep(static_cast<useconds_t>(random.below(3000)));
        ::kill(process, SIGKILL);
        int status = 0;
        REQUIRE(waitpid(process, &status, 0) == process);
        REQUIRE(WIFSIGNALED(status));
        const std::int64_t before = parent.stamp;
        parent.checkpoint.load(folder.file());
        CHECK(parent.is_whole());
        CHECK(parent.stamp >= before);
        found.insert(parent.stamp - before);
    }
    CHECK(found.contains(0));  // killed before the first was saved
    CHECK(found.size() > 1);   // and after
}

TEST_CASE("checkpoint: whichever call of the system fails, the old file is there or the new one") {
    for (const bool named : {false, true}) {
        const Folder folder;
        Stamped run(3000);
        Stamped reader(3000);
        run.checkpoint.save(folder.file());
        bool failed = true;
        for (std::size_t call = 0; failed; ++call) {
            FaultySystem system({.fail_at = call, .most_at_once = 5000, .interrupted = true, .named = named});
            run.set(reader.stamp + 1);
            {
                const nn::detail::SystemCallsScope scope(system);
                try {
                    run.checkpoint.save(folder.file());
                } catch (const std::runtime_error&) {
                    CHECK(system.failed_call() != "");
                }
            }
            failed = system.failed_call() != "";
            const std::int64_t before = reader.stamp;
            reader.checkpoint.load(folder.file());
            CHECK(reader.is_whole());
            CHECK((reader.stamp == before || reader.stamp == run.stamp));
            if (!failed) CHECK(reader.stamp == run.stamp);
            CHECK(folder.file_count() == 1);
            CHECK(system.open_files() == 0);
            REQUIRE(call < 1000);
        }
    }
}

TEST_CASE("checkpoint: whichever call of the system is the last, the old file is there or the new one") {
    const Folder folder;
    Stamped run(3000);
    Stamped reader(3000);
    run.checkpoint.save(folder.file());
    bool ended = true;
    for (std::size_t call = 0; ended; ++call) {
        run.set(reader.stamp + 1);
        const pid_t process = fork();
        REQUIRE(process != -1);
        if (process == 0) {
            FaultySystem system({.end_at = call, .most_at_once = 5000});
            const nn::detail::SystemCallsScope scope(system);
            run.checkpoint.save(folder.file());
            _exit(0);
        }
        int status = 0;
        REQUIRE(waitpid(process, &status, 0) == process);
        REQUIRE(WIFEXITED(status));
        ended = WEXITSTATUS(status) != 0;
        const std::int64_t before = reader.stamp;
        reader.checkpoint.load(folder.file());
        CHECK(reader.is_whole());
        CHECK((reader.stamp == before || reader.stamp == run.stamp));
        if (!ended) CHECK(reader.stamp == run.stamp);
        REQUIRE(call < 1000);
    }
}

TEST_CASE("checkpoint: what is not finite leaves the last good file") {
    const Folder folder;
    Stamped run(5);
    run.set(3);
    run.checkpoint.save(folder.file());
    run.set(4);
    run.mirrored.update()[2] = std::numeric_limits<double>::quiet_NaN();
    CHECK(contains(text_of<std::invalid_argument>([&] { run.checkpoint.save(folder.file()); }),
                   "'model/mirrored' [5] has nan at element 2; nothing was saved"));
    run.checkpoint.load(folder.file());
    CHECK(run.is_whole());
    CHECK(run.stamp == 3);
}
