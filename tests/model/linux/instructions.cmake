# Compares the instructions of each model_NAME with those of plain_NAME in instructions.cc.
#   cmake -DCXX=… -DSOURCE=… -DSCRATCH=… -P instructions.cmake
file(MAKE_DIRECTORY ${SCRATCH})
execute_process(COMMAND ${CXX} -std=c++20 -O2 -S -fno-asynchronous-unwind-tables -fcf-protection=none
                        -I${SOURCE} -o ${SCRATCH}/instructions.s
                        ${SOURCE}/tests/model/linux/instructions.cc
                COMMAND_ERROR_IS_FATAL ANY)
file(STRINGS ${SCRATCH}/instructions.s lines)

# The mnemonics between a function's label and its `ret`.
function(mnemonics name out)
  set(inside FALSE)
  set(found "")
  foreach(line IN LISTS lines)
    if(line STREQUAL "${name}:")
      set(inside TRUE)
    elseif(inside AND line MATCHES "^[ \t]+([a-z][a-z0-9]*)")
      list(APPEND found ${CMAKE_MATCH_1})
      if(CMAKE_MATCH_1 STREQUAL "ret")
        break()
      endif()
    endif()
  endforeach()
  if(NOT found)
    message(FATAL_ERROR "${SCRATCH}/instructions.s: no ${name}")
  endif()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

foreach(name phys_addr va page_address)
  mnemonics(model_${name} model)
  mnemonics(plain_${name} plain)
  # Which comes first of two that do not wait for each other is the compiler's to choose.
  list(SORT model)
  list(SORT plain)
  if(NOT model STREQUAL plain)
    message(FATAL_ERROR "${name}: the model compiles to ${model}; by hand it is ${plain}")
  endif()
  message(STATUS "${name}: ${model}")
endforeach()
