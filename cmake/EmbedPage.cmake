# cmake -D folder=... -D output=... -P EmbedPage.cmake
# Makes a C++ source of the study page: page.html with every mark {{file}} replaced by that file of the folder. Marks that
# are no files are left for the writer to fill in.

file(READ ${folder}/page.html page)
file(GLOB files RELATIVE ${folder} ${folder}/*.js ${folder}/*.css ${folder}/*.txt)
foreach(name ${files})
  string(FIND "${page}" "{{${name}}}" mark)
  if(mark EQUAL -1)
    message(FATAL_ERROR "${folder}/${name} is not part of page.html: add {{${name}}} there, or remove the file")
  endif()
  file(READ ${folder}/${name} text)
  # What only those who read the sources need: comments on lines of their own, and indents.
  if(name MATCHES "\\.(js|css)$")
    string(REGEX REPLACE "\n *//[^\n]*" "" text "${text}")
    string(REGEX REPLACE "\n +" "\n" text "${text}")
  endif()
  if(name MATCHES "\\.txt$")
    string(REPLACE "&" "&amp;" text "${text}")
    string(REPLACE "<" "&lt;" text "${text}")
  endif()
  string(REPLACE "{{${name}}}" "${text}" page "${page}")
endforeach()

# As bytes: a string literal may not be so long on every compiler.
file(WRITE ${output}.html "${page}")
file(READ ${output}.html bytes HEX)
file(REMOVE ${output}.html)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
file(WRITE ${output} "#include <autograd/study/page/page.hpp>\n
namespace tapeloop::detail {\n
static const char bytes[] = {
${bytes}};\n
std::string_view page() { return {bytes, sizeof(bytes)}; }\n
}  // namespace tapeloop::detail\n")
