# Compiles `program`, which is wrong, and looks at what the compiler says: the sentence of its first line, once, no other
# error, and not much besides.
file(STRINGS ${program} first LIMIT_COUNT 1)
string(REPLACE "// says: " "" sentence "${first}")
list(TRANSFORM folders PREPEND -I)

set(most_lines 40)
execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${compiler} -std=c++20 ${options} ${folders} -fsyntax-only ${program}
  RESULT_VARIABLE failed OUTPUT_VARIABLE text ERROR_VARIABLE text)

string(REGEX REPLACE "[][;]" "" plain "${text}")
string(REPLACE "\n" ";" lines "${plain}")
list(LENGTH lines line_count)
set(errors ${lines})
list(FILTER errors INCLUDE REGEX "error:")
list(LENGTH errors error_count)
# Two sentences, `g++'s | clang's`, where the words are the compiler's own.
string(REPLACE " | " ";" sentences "${sentence}")
set(found -1)
foreach(one IN LISTS sentences)
  string(FIND "${errors}" "${one}" at)
  if(found EQUAL -1)
    set(found ${at})
  endif()
endforeach()
if(NOT failed)
  message(FATAL_ERROR "${program} compiles")
elseif(found EQUAL -1)
  message(FATAL_ERROR "No error says '${sentence}':\n${text}")
elseif(NOT error_count EQUAL 1)
  message(FATAL_ERROR "${error_count} errors instead of one:\n${text}")
elseif(line_count GREATER most_lines)
  message(FATAL_ERROR "${line_count} lines, more than ${most_lines}:\n${text}")
endif()
