#pragma once

#include "case.hpp"

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <string_view>

namespace tapeloop::conformance {

/// A value of a JSON file that knows where it stands, for errors such as
/// `inputs.x.shape: must be a list`. It refers to the parsed file.
class Json {
  public:
    Json(const nlohmann::json& value, std::string where) : value_(&value), where_(std::move(where)) {}

    [[noreturn]] void fail(std::string_view rule) const;
    /// Reads the same value as where the text begins.
    Json root() const { return {*value_, ""}; }

    /// The member of an object; `at` throws when it is not there, `find` takes null for absent.
    Json at(const std::string& key) const;
    std::optional<Json> find(const std::string& key) const;
    /// Throws when an object has other members than these.
    void allow(std::initializer_list<std::string_view> keys) const;
    /// The members of an object with their names, and the elements of a list.
    std::vector<std::pair<std::string, Json>> members() const;
    std::vector<Json> elements() const;

    bool is(const nlohmann::json& other) const { return *value_ == other; }
    std::string text() const;
    bool truth() const;
    /// Also the texts "nan", "inf" and "-inf".
    double number() const;
    std::size_t count() const;
    /// `{"shape": [..], "data": [..]}`
    Tensor<double> tensor() const;

  private:
    void require_object() const;

    const nlohmann::json* value_;
    std::string where_;
};

}  // namespace tapeloop::conformance
