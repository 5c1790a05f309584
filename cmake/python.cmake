# The Python binding: the module onecopy._engine from python/src/*.cpp, beside libonecopy.so in the
# package. scikit-build-core drives this for a wheel; ONECOPY_PYTHON=ON builds it without one.
#
# Not the stable ABI: the codec's fast paths look into lists, tuples and floats directly, which the
# limited API forbids, so that there is a wheel for each interpreter. Of NumPy the headers are needed
# to build; nobody needs it to run.
find_package(Python 3.9 REQUIRED COMPONENTS Interpreter Development.Module NumPy)
execute_process(
  COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
  OUTPUT_VARIABLE nanobind_DIR
  OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
find_package(nanobind 2.4 CONFIG REQUIRED)

file(GLOB binding_sources CONFIGURE_DEPENDS python/src/*.cpp)
nanobind_add_module(_engine NB_STATIC NOMINSIZE ${binding_sources})
target_include_directories(_engine PRIVATE src python/src)
target_link_libraries(_engine PRIVATE onecopy_options onecopy::onecopy Python::NumPy)
target_link_options(_engine PRIVATE -Wl,--build-id=sha1)
set_target_properties(_engine PROPERTIES
  BUILD_RPATH "$<TARGET_FILE_DIR:onecopy>"
  INSTALL_RPATH "$ORIGIN")

if(for_wheel)
  install(TARGETS _engine onecopy
    LIBRARY DESTINATION onecopy
    RUNTIME DESTINATION onecopy)
  install(FILES docs/man/onecopy.1 DESTINATION ${SKBUILD_DATA_DIR}/share/man/man1)
endif()
