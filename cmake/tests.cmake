# One executable for each src/**/*_test.cpp, every case of it a test of its own, in a process of its
# own, known to ctest as ROOM/FILE:SUITE.CASE.
#
#   ONECOPY_TEST_SEED   what the sampling and shuffling of the tests start from
#   ONECOPY_TEST_LONG   set: kill tests take every point instead of a sample
#
# Both come to the tests through the environment of ctest.
find_package(GTest REQUIRED)
include(GoogleTest)

set(test_support onecopy_options onecopy::onecopy GTest::gtest GTest::gtest_main)

set(test_environment "")
set(test_seconds 120)
if(ONECOPY_SANITIZE STREQUAL "thread")
  # TSan wants its addresses where they were before kernels randomised them further, and tests fork
  # with threads about.
  set(CMAKE_CROSSCOMPILING_EMULATOR setarch ${CMAKE_HOST_SYSTEM_PROCESSOR} --addr-no-randomize)
  set(test_environment "TSAN_OPTIONS=die_after_fork=0:halt_on_error=1")
  # An atomic load is dear there: what walks a full table takes some forty times as long.
  set(test_seconds 900)
endif()

function(add_engine_test source)
  cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src OUTPUT_VARIABLE path)
  cmake_path(GET path STEM LAST_ONLY stem)
  cmake_path(GET path PARENT_PATH room)
  string(REPLACE "/" "_" target "${room}_${stem}")

  add_executable(${target} ${source})
  target_include_directories(${target} PRIVATE src)
  target_link_libraries(${target} PRIVATE ${test_support})
  set_property(TARGET ${target} PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

  # The watchdog: so long for a case. Kill tests take as long as ctest --timeout says.
  set(properties TIMEOUT ${test_seconds})
  if(stem MATCHES "(^|_)kill_")
    set(properties LABELS kill)
  endif()
  if(test_environment)
    list(APPEND properties ENVIRONMENT ${test_environment})
  endif()
  gtest_discover_tests(${target}
    TEST_PREFIX "${room}/${stem}:"
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES ${properties})
endfunction()

file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS src/*_test.cpp)
foreach(source IN LISTS test_sources)
  add_engine_test(${source})
endforeach()

# A fuzzer's corpus (NAME_fuzz.cpp: the folder NAME_fuzz_corpus) is also a test, without clang.
file(GLOB_RECURSE fuzz_sources CONFIGURE_DEPENDS src/*_fuzz.cpp)
foreach(source IN LISTS fuzz_sources)
  cmake_path(GET source STEM LAST_ONLY stem)
  cmake_path(GET source PARENT_PATH folder)
  add_executable(${stem}_replay ${source} ${PROJECT_SOURCE_DIR}/cmake/fuzz_replay.cpp)
  target_include_directories(${stem}_replay PRIVATE src)
  target_link_libraries(${stem}_replay PRIVATE onecopy_options onecopy::onecopy)
  add_test(NAME ${stem}:corpus COMMAND ${stem}_replay ${folder}/${stem}_corpus)
  set_tests_properties(${stem}:corpus PROPERTIES TIMEOUT 120)
endforeach()

# Each public header compiles by itself.
file(GLOB public_headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include
  include/onecopy/*.hpp)
foreach(header IN LISTS public_headers)
  add_test(NAME include/${header}:alone COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only
    -Wall -Wextra -Wpedantic -Werror -I${PROJECT_SOURCE_DIR}/include -include ${header}
    -x c++ /dev/null)
  set_tests_properties(include/${header}:alone PROPERTIES TIMEOUT 120)
  list(APPEND include_all -include ${header})
endforeach()

# Together they take little to compile.
add_test(NAME include/onecopy:light COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only
  -I${PROJECT_SOURCE_DIR}/include ${include_all} ${PROJECT_SOURCE_DIR}/cmake/light_headers.cpp)
set_tests_properties(include/onecopy:light PROPERTIES TIMEOUT 120)

# NAME_refused.cpp must not compile, and the compiler is to say what its line `// Says: ` has.
file(GLOB_RECURSE refused_sources CONFIGURE_DEPENDS src/*_refused.cpp)
foreach(source IN LISTS refused_sources)
  cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src OUTPUT_VARIABLE path)
  cmake_path(REMOVE_EXTENSION path)
  file(STRINGS ${source} says REGEX "^// Says: ")
  string(REPLACE "// Says: " "" says ${says})
  add_test(NAME ${path}:refused COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only
    -I${PROJECT_SOURCE_DIR}/include ${source})
  set_tests_properties(${path}:refused PROPERTIES
    PASS_REGULAR_EXPRESSION ${says}
    FAIL_REGULAR_EXPRESSION "incomplete type"
    TIMEOUT 120)
endforeach()
