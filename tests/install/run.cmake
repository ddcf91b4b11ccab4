# Installs model/ alone into SCRATCH, then configures, builds and runs a project that finds it.
function(must)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${out}")
  endif()
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
must(${CMAKE_COMMAND} -S ${SOURCE} -B ${SCRATCH}/model -DMMUREF_MODEL_ONLY=ON
     -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_INSTALL_PREFIX=${SCRATCH}/prefix)
must(${CMAKE_COMMAND} --install ${SCRATCH}/model)
must(${CMAKE_COMMAND} -S ${SOURCE}/tests/install -B ${SCRATCH}/consumer
     -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix)
must(${CMAKE_COMMAND} --build ${SCRATCH}/consumer)
must(${SCRATCH}/consumer/consumer)
