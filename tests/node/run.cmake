# Writes the cases into a folder and lets a script of Node's compare them with what a package computes.
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})
execute_process(COMMAND ${write} ${folder} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E env NODE_PATH=${packages} ${node} ${script} ${folder} COMMAND_ERROR_IS_FATAL ANY)
