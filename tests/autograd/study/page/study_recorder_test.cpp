#include <autograd/autograd.hpp>
#include <autograd/study/flow/gradient_norms.hpp>
#include <autograd/study/page/study_json.hpp>
#include <autograd/study/page/study_recorder.hpp>
#include <nn/nn.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

using namespace tapeloop;
using nlohmann::json;

TEST_CASE_TEMPLATE("StudyRecorder: what a frame has", T, float, double) {
    nn::Generator generator(3);
    nn::LstmCell<T> cell(2, 4, generator);
    const auto names = nn::LstmCell<T>::gate_names();
    StudyRecorder film({.every = 10, .gates = {names.begin(), names.end()}});
    Tape<T> tape({.fuse = false});
    const auto run = nn::unroll(cell, nn::normal<T>({5, 2, 2}, 0, 1, generator), {.hoist = false});
    const Var<T> J = sum(square(run.outputs));
    film.record(20, J);
    REQUIRE(film.frame_count() == 1);
    const json frame = json::parse(film.frames().front());
    CHECK(frame["step"] == 20);
    CHECK(frame["loss"].get<double>() == doctest::Approx(static_cast<double>(J.item())).epsilon(1e-3));
    CHECK(frame["spectrum"].is_null());
    REQUIRE(frame["gates"].size() == 5);  // and the tanh of the new state
    CHECK(frame["gates"][0]["mean"].size() == 5);

    const GradientNorms expected = gradient_norms(J, cell.parameters());
    for (const json& shown : frame["norms"]) {
        const auto found = std::find_if(
            expected.parameters.begin(), expected.parameters.end(),
            [&](const NormSeries& one) { return one.name == shown["parameter"].get<std::string>(); });
        REQUIRE(found != expected.parameters.end());
        REQUIRE(shown["by_step"].size() == found->norms.size());
        for (std::size_t t = 0; t < found->norms.size(); ++t)
            CHECK(shown["by_step"][t].get<double>() == doctest::Approx(found->norms[t]).epsilon(1e-3));
    }
    for (const json& shown : frame["gradients"]) {
        const auto found = std::find_if(
            expected.parameters.begin(), expected.parameters.end(),
            [&](const NormSeries& one) { return one.name == shown["parameter"].get<std::string>(); });
        REQUIRE(found != expected.parameters.end());
        CHECK(shown["norm"].get<double>() == doctest::Approx(found->whole).epsilon(1e-3));
    }

    // On the page as they were recorded.
    const json data = tapeloop::detail::study_json(tape, gradient(J, every_node(tape)), {.film = film});
    CHECK(data["film"] == json::array({frame}));
}

TEST_CASE("StudyRecorder: every n-th step, and half as many where there are too many") {
    StudyRecorder film({.every = 5, .most_frames = 4});
    const Tape<double> tape;
    const Var<double> J = sum(square(input(Tensor<double>{1, 2})));
    std::vector<std::size_t> recorded;
    for (std::size_t step = 0; step < 100; ++step)
        if (film.is_due(step)) {
            film.record(step, J);
            recorded.push_back(step);
        }
    CHECK(recorded == std::vector<std::size_t>{0, 5, 10, 15, 20, 30, 40, 60, 80});
    std::vector<std::size_t> kept;
    for (const std::string& frame : film.frames())
        kept.push_back(json::parse(frame)["step"].get<std::size_t>());
    CHECK(kept == std::vector<std::size_t>{0, 40, 80});
}

TEST_CASE("StudyRecorder: a film of something else has its name") {
    const Parameter<double> W("W", Tensor<double>{1, 2});
    StudyRecorder film({.axis = "size of W in percent"});
    Tape<double> tape;
    const Var<double> J = sum(square(W));
    film.record(10, J);
    CHECK(tapeloop::detail::study_json(tape, gradient(J, every_node(tape)), {.film = film})["film_axis"] ==
          "size of W in percent");
    CHECK_THROWS_WITH_AS(film.record(10, J),
                         "StudyRecorder: size of W in percent 10 does not lie behind the last one that was "
                         "recorded, 10",
                         std::invalid_argument);
    CHECK(StudyRecorder().axis().empty());
}

TEST_CASE("StudyRecorder: what is refused") {
    CHECK_THROWS_WITH_AS(StudyRecorder({.every = 0}), "StudyRecorder: every is 0; it must be at least 1",
                         std::invalid_argument);
    CHECK_THROWS_AS(StudyRecorder({.most_frames = 1}), std::invalid_argument);
    StudyRecorder film;
    const Tape<double> tape;
    const Var<double> x = input(Tensor<double>{1, std::nan("")});
    CHECK_THROWS_WITH_AS(film.record(0, x), "StudyRecorder: J is [2]; it must have one element",
                         std::invalid_argument);
    film.record(3, sum(x));
    CHECK(json::parse(film.frames().front())["loss"] == "nan");
    CHECK_THROWS_AS(film.record(3, sum(x)), std::invalid_argument);
    CHECK(film.frame_count() == 1);
}
