# A header with names outside of the namespaces `detail` is named by an umbrella header: what users can write is public, and
# in the reference. The filter of the reference tells which names those are.
string(REPLACE "," ";" headers "${headers}")
list(LENGTH headers count)
if(count LESS 20)
  message(FATAL_ERROR "${count} headers are not named by an umbrella header; there must be more: ${headers}")
endif()
foreach(header IN LISTS headers)
  execute_process(COMMAND awk -f ${source}/cmake/docs_filter.awk ${header}
    WORKING_DIRECTORY ${source} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "/\\*\\* .addtogroup[^@]*@{ \\*/" "" text "${text}")  # what opens and closes a room
  string(REPLACE "/** @} */" "" text "${text}")
  string(REGEX REPLACE "namespace [a-z_:]+ {|}" "" text "${text}")
  string(STRIP "${text}" text)
  if(NOT text STREQUAL "")
    message(SEND_ERROR "${header} has public names, and no umbrella header names it:\n${text}")
  endif()
endforeach()
