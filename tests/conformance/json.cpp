#include "json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace tapeloop::conformance {

namespace {

std::string below(const std::string& where, const std::string& key) {
    return where.empty() ? key : where + "." + key;
}

}  // namespace

void Json::fail(std::string_view rule) const {
    throw Malformed(where_.empty() ? std::string(rule) : fmt::format("{}: {}", where_, rule));
}

void Json::require_object() const {
    if (!value_->is_object()) fail("must be an object");
}

Json Json::at(const std::string& key) const {
    const std::optional<Json> member = find(key);
    if (!member) fail(fmt::format("\"{}\" is missing", key));
    return *member;
}

std::optional<Json> Json::find(const std::string& key) const {
    require_object();
    const auto member = value_->find(key);
    if (member == value_->end() || member->is_null()) return std::nullopt;
    return Json(*member, below(where_, key));
}

void Json::allow(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, member] : members())
        if (std::find(keys.begin(), keys.end(), key) == keys.end())
            fail(fmt::format("\"{}\" is not known here", key));
}

std::vector<std::pair<std::string, Json>> Json::members() const {
    require_object();
    std::vector<std::pair<std::string, Json>> list;
    for (const auto& [key, member] : value_->items())
        list.emplace_back(key, Json(member, below(where_, key)));
    return list;
}

std::vector<Json> Json::elements() const {
    if (!value_->is_array()) fail("must be a list");
    std::vector<Json> list;
    list.reserve(value_->size());
    for (const auto& element : *value_)
        list.emplace_back(element, fmt::format("{}[{}]", where_, list.size()));
    return list;
}

std::string Json::text() const {
    if (!value_->is_string()) fail("must be a text");
    return value_->get<std::string>();
}

bool Json::truth() const {
    if (!value_->is_boolean()) fail("must be true or false");
    return value_->get<bool>();
}

double Json::number() const {
    if (value_->is_number()) return value_->get<double>();
    if (is("nan")) return std::numeric_limits<double>::quiet_NaN();
    if (is("inf")) return std::numeric_limits<double>::infinity();
    if (is("-inf")) return -std::numeric_limits<double>::infinity();
    fail("must be a number, or \"nan\", \"inf\" or \"-inf\"");
}

std::size_t Json::count() const {
    if (!value_->is_number_integer() || *value_ < 0) fail("must be a whole number of at least 0");
    return value_->get<std::size_t>();
}

Tensor<double> Json::tensor() const {
    allow({"shape", "data"});
    std::vector<std::size_t> extents;
    for (const Json& extent : at("shape").elements()) extents.push_back(extent.count());
    if (extents.size() > Shape::max_rank)
        fail(fmt::format("has {} axes; there may be {}", extents.size(), Shape::max_rank));
    const std::vector<Json> data = at("data").elements();
    const std::vector<std::size_t>::const_iterator zero = std::find(extents.begin(), extents.end(), 0U);
    double size = zero == extents.end() ? 1 : 0;  // as a double it cannot overflow
    for (std::size_t extent : extents) size *= static_cast<double>(extent);
    if (size != static_cast<double>(data.size()))
        fail(fmt::format("\"data\" has {} numbers and \"shape\" asks for {}", data.size(), size));
    Tensor<double> tensor = tapeloop::detail::uninitialised<double>(Shape(extents));
    std::transform(data.begin(), data.end(), tensor.data(), [](const Json& one) { return one.number(); });
    return tensor;
}

}  // namespace tapeloop::conformance
