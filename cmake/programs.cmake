# Programs on the engine that are built when asked for by name:
#   examples/cpp/NAME.cpp   target example_NAME  in build/PRESET/examples
#   examples/cpp/NAME/worker.cpp, which is one program of several: the same, and called NAME
#   ONECOPY_PROGRAM         target program       in build/PRESET/programs, named like its source
function(add_program target source folder)
  cmake_path(GET source STEM LAST_ONLY stem)
  add_executable(${target} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${target} PRIVATE onecopy::onecopy)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${stem}
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
endfunction()

file(GLOB example_sources CONFIGURE_DEPENDS examples/cpp/*.cpp)
foreach(source IN LISTS example_sources)
  cmake_path(GET source STEM LAST_ONLY stem)
  add_program(example_${stem} ${source} examples)
  target_link_libraries(example_${stem} PRIVATE onecopy_options)
endforeach()
# By name only: ./run may install it when the build has been configured already.
target_link_libraries(example_s3_blas_threads PRIVATE openblas)

file(GLOB worker_sources CONFIGURE_DEPENDS examples/cpp/*/worker.cpp)
foreach(source IN LISTS worker_sources)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME name)
  add_program(example_${name} ${source} examples)
  target_link_libraries(example_${name} PRIVATE onecopy_options)
  set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name})
endforeach()

if(ONECOPY_PROGRAM AND EXISTS ${ONECOPY_PROGRAM})
  # A stranger's own: warnings are the stranger's business.
  add_program(program ${ONECOPY_PROGRAM} programs)
endif()
