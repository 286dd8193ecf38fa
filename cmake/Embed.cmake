# Texts of the study page as C++ sources.

# Leaves out what only those who read a script need: comments on lines of their own, and indents.
function(shorten name)
  string(REGEX REPLACE "\n *//[^\n]*" "" text "${${name}}")
  string(REGEX REPLACE "\n +" "\n" text "${text}")
  set(${name} "${text}" PARENT_SCOPE)
endfunction()

# Writes the source of a function, declared in page.hpp, that returns the text. As bytes: a string literal may not be so long on
# every compiler.
function(embed function text output)
  file(WRITE ${output}.html "${text}")
  file(READ ${output}.html bytes HEX)
  file(REMOVE ${output}.html)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  file(WRITE ${output} "#include <autograd/study/page/page.hpp>\n
namespace tapeloop::detail {\n
static const char ${function}_bytes[] = {
${bytes}};\n
std::string_view ${function}() { return {${function}_bytes, sizeof(${function}_bytes)}; }\n
}  // namespace tapeloop::detail\n")
endfunction()
