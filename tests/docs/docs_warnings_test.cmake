# Doxygen, with the settings and the filter of the reference, warns of a public function or type without a comment, and of
# nothing that has one or that others speak for.
file(WRITE ${folder}/optim/example.hpp [[
#pragma once

namespace tapeloop::detail {
int internal(int x);
}  // namespace tapeloop::detail

namespace tapeloop::optim {

int bare_function(int x);
inline int bare_body(int x) { return x > 0 ? x : -x; }
template <class T>
T bare_template(const T& x);
struct BareType {
    int bare_member = 0;
};
enum class BareKind { one, two };
using BareName = int;
template <class T>
concept BareConcept = requires(T x) { x + x; };

/// A type with a comment.
template <class T>
class Commented {
  public:
    Commented() = default;
    Commented(const Commented&) = delete;
    explicit Commented(T bare_argument);

    void bare_method() const;
    std::vector<T> bare_template_method(const std::vector<T>& x) const { return x; }
    std::vector<T> operator[](const std::vector<T>& x) const;
    /// Has a comment.
    void method() const { hidden_ = 0; }
    void method(int overload) const;
    friend bool operator==(const Commented& a, const Commented& b) { return &a == &b; }

  private:
    void hidden() const;
    mutable int hidden_ = 0;
};

/// A function of both types.
float twin(float x);
double twin(double x);

/// Options with a comment.
struct CommentedOptions {
    double covered = 0.1;
    std::function<bool(const std::vector<int>&)> covered_function = {};
    int covered_too{};
};

extern template class Commented<float>;

}  // namespace tapeloop::optim
]])
file(READ ${settings} text)
file(WRITE ${folder}/Doxyfile
  "${text}\nINPUT = ${folder}/optim/example.hpp\nOUTPUT_DIRECTORY = ${folder}/html\nUSE_MDFILE_AS_MAINPAGE =\n")
execute_process(COMMAND ${doxygen} ${folder}/Doxyfile RESULT_VARIABLE result ERROR_VARIABLE warnings OUTPUT_QUIET)
if(result EQUAL 0)
  message(FATAL_ERROR "doxygen is content with a header that lacks comments")
endif()
foreach(name bare_function bare_body bare_template BareType bare_member BareKind BareName BareConcept bare_argument bare_method
    bare_template_method "operator\\[\\]")
  if(NOT warnings MATCHES "${name}")
    message(SEND_ERROR "doxygen does not warn of ${name}:\n${warnings}")
  endif()
endforeach()
foreach(name internal "::method" "overload" "operator==" hidden twin covered CommentedOptions)
  if(warnings MATCHES "${name}")
    message(SEND_ERROR "doxygen warns of ${name}:\n${warnings}")
  endif()
endforeach()
