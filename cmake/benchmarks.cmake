# The C++ programs of ./bench and of ./test that measure; built when asked for by name:
#   benchmarks/instructions/   target counted_operations  in build/PRESET/benchmarks
#   benchmarks/native/         target native_bench        in the same place
function(add_benchmark target folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  add_executable(${target} EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(${target} PRIVATE onecopy_options onecopy::onecopy)
  set_property(TARGET ${target} PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/benchmarks)
endfunction()

add_benchmark(counted_operations benchmarks/instructions)
target_include_directories(counted_operations PRIVATE src)  # both sides of a task in one process

add_benchmark(native_bench benchmarks/native)
target_link_libraries(native_bench PRIVATE zmq)
