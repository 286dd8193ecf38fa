# Runs a framework's program, of whose four tests two must fail, and nothing else; then one of those again, by the line that
# its failure prints.
# By a short name, which stands in a line that must not be broken.
cmake_path(GET program PARENT_PATH folder)
cmake_path(GET program FILENAME name)
set(xml ${program}.xml)
file(REMOVE ${xml})
set(options_doctest --reporters=junit --out=${xml})
set(options_gtest --gtest_output=xml:${xml})
set(options_catch2 --reporter junit --out ${xml})

function(expect text what)
  if(NOT text MATCHES "${what}")
    message(SEND_ERROR "there is no '${what}' in:\n${text}")
  endif()
endfunction()
function(refuse text what)
  if(text MATCHES "${what}")
    message(SEND_ERROR "there is '${what}' in:\n${text}")
  endif()
endfunction()

execute_process(COMMAND ${CMAKE_COMMAND} -E env TAPELOOP_CHECK_SEED=12 ./${name} ${options_${framework}}
  WORKING_DIRECTORY ${folder} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(code EQUAL 0)
  message(SEND_ERROR "the program says that all is well")
endif()

# In the XML: the tests that fail, and no other.
file(READ ${xml} report)
string(REGEX REPLACE "[];[]" "" report "${report}")  # which CMake's lists do not bear
string(REGEX MATCHALL "<failure" failures "${report}")
list(LENGTH failures count)
if(NOT count EQUAL 2)
  message(SEND_ERROR "${count} failures and not 2 in:\n${report}")
endif()
string(REGEX MATCHALL "<testcase [^>]*>[ \n]*<failure" failing "${report}")
list(LENGTH failing count)
if(NOT count EQUAL 2 OR NOT failing MATCHES "fails.*ends" OR failing MATCHES "passes")
  message(SEND_ERROR "not the tests 'fails' and 'ends' fail, but: ${failing} in:\n${report}")
endif()
refuse("${report}" "<error")
expect("${text}${report}" "behind the check")  # Catch2 has it in the XML
refuse("${text}${report}" "behind the requirement")

# For people: the report, the warnings of what passes, and how to run it again.
execute_process(COMMAND ${CMAKE_COMMAND} -E env TAPELOOP_CHECK_SEED=12 ./${name}
  WORKING_DIRECTORY ${folder} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
expect("${text}" "check_gradient.wrong, {{\"x\", numbers}}.")
expect("${text}" "x: factor")
expect("${text}" "could not be told")
if(NOT text MATCHES "again: (TAPELOOP_CHECK_SEED=12 [^\n]*fails[^\n]*)")
  message(FATAL_ERROR "no line runs a test again in:\n${text}")
endif()
set(again "${CMAKE_MATCH_1}")
execute_process(COMMAND sh -c "${again}" WORKING_DIRECTORY ${folder}
  RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(code EQUAL 0)
  message(SEND_ERROR "${again}\nfinds nothing:\n${text}")
endif()
expect("${text}" "x: factor")
expect("${text}" "seed 12")
refuse("${text}" "could not be told")  # that is another test's
