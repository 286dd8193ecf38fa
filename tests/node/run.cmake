# Writes cases into a folder, lets a script of Node's compare them with what a package computes, and reads what that writes.
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})
execute_process(COMMAND ${cases} ${folder} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E env NODE_PATH=${packages} ${node} ${script} ${folder} COMMAND_ERROR_IS_FATAL ANY)
file(GLOB back ${folder}/*.back.safetensors)
if(back)
  execute_process(COMMAND ${cases} ${folder} check COMMAND_ERROR_IS_FATAL ANY)
endif()
