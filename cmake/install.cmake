# What a C++ project finds by find_package(onecopy) and links as onecopy::onecopy.
include(CMakePackageConfigHelpers)

install(TARGETS onecopy EXPORT onecopy LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/onecopy DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES docs/man/onecopy.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

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
