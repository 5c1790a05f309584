# What a C++ project finds by find_package(onecopy) and links as onecopy::onecopy, or asks
# pkg-config for. The installed tree may be moved.
include(CMakePackageConfigHelpers)

install(TARGETS onecopy EXPORT onecopy LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/onecopy DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/onecopy)
install(EXPORT onecopy
  NAMESPACE onecopy::
  FILE onecopy-targets.cmake
  DESTINATION ${package_folder})
configure_package_config_file(cmake/onecopy-config.cmake.in onecopy-config.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(onecopy-config-version.cmake
  VERSION ${PROJECT_VERSION}
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/onecopy-config.cmake
  ${PROJECT_BINARY_DIR}/onecopy-config-version.cmake
  DESTINATION ${package_folder})

cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
  OUTPUT_VARIABLE prefix_from_pkgconfig)
configure_file(cmake/onecopy.pc.in onecopy.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/onecopy.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
