# The Debian package: `cpack` in a build folder writes libonecopy-dev_VERSION_ARCHITECTURE.deb. It
# is one package, since the library carries no version in its name that a second could stand beside.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libonecopy-dev)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_PACKAGE_DESCRIPTION "Processes, pools, queues, pipes, locks and shared arrays for C++20
programs, on shared memory that survives the death of any process.
.
The library, its headers, and what CMake and pkg-config need to find them.")
# Whoever gives the package away puts an address here: cpack -D CPACK_PACKAGE_CONTACT="NAME <ADDRESS>"
set(CPACK_PACKAGE_CONTACT "Onecopy developers <developers@onecopy.invalid>")
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/triggers)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# What the library needs, by its symbols; without the tools for that, by name.
find_program(dpkg_shlibdeps dpkg-shlibdeps)
find_program(file_command file)
mark_as_advanced(dpkg_shlibdeps file_command)
if(dpkg_shlibdeps AND file_command)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
else()
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6, libgcc-s1, libstdc++6")
endif()

install(FILES cmake/debian/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libonecopy-dev)
include(CPack)
