# One libFuzzer executable for each src/**/*_fuzz.cpp, which defines LLVMFuzzerTestOneInput:
#   build/fuzz/fuzz/value_fuzz NEW_FINDS src/message/value_fuzz_corpus
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "ONECOPY_FUZZ needs clang: libFuzzer is a part of it.")
endif()

target_compile_options(onecopy PRIVATE -fsanitize=fuzzer-no-link)
file(GLOB_RECURSE fuzz_sources CONFIGURE_DEPENDS src/*_fuzz.cpp)
foreach(source IN LISTS fuzz_sources)
  cmake_path(GET source STEM LAST_ONLY stem)
  add_executable(${stem} ${source})
  target_include_directories(${stem} PRIVATE src)
  target_compile_options(${stem} PRIVATE -fsanitize=fuzzer-no-link)
  target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${stem} PRIVATE onecopy_options onecopy::onecopy)
  set_property(TARGET ${stem} PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
endforeach()
