# Debian packages of the components, by CPack: see `make deb`.
set(WAT_DEBIAN_MAINTAINER "watd maintainers <maintainers@example.org>" CACHE STRING "who answers for the Debian packages")
find_program(GZIP_PROGRAM gzip REQUIRED)

set(CPACK_GENERATOR DEB)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGE_NAME watd)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
# Each package has a description of its own.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_PACKAGE_CONTACT ${WAT_DEBIAN_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${WAT_DEBIAN_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SOURCE watd)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
# Destinations outside of the prefix: /etc.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL watd libwat1 test dev)

set(debian ${CMAKE_SOURCE_DIR}/cmake/debian)
# debian_package(COMPONENT NAME SECTION DESCRIPTION): with what Debian wants in each.
function(debian_package component name section description)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION ${description} PARENT_SCOPE)
  configure_file(${debian}/changelog.in ${CMAKE_BINARY_DIR}/debian/changelog)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/debian/changelog.gz
    COMMAND ${GZIP_PROGRAM} -9nc changelog > changelog.gz
    DEPENDS ${CMAKE_BINARY_DIR}/debian/changelog WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/debian)
  install(FILES ${debian}/copyright ${CMAKE_BINARY_DIR}/debian/changelog.gz DESTINATION share/doc/${name} COMPONENT ${component})
  if(EXISTS ${debian}/${name}.lintian-overrides)
    install(FILES ${debian}/${name}.lintian-overrides DESTINATION share/lintian/overrides RENAME ${name} COMPONENT ${component})
  endif()
endfunction()

debian_package(watd watd admin "daemon for services with private state behind capabilities
watd hosts services: private state behind a typed interface, where the only
way to touch the state is to send a request, and requests are served one at a
time. Who starts a service makes capabilities for its users, which can't be
forged and can be taken back.

This package has the daemon as a system service, its services, and watctl.")
debian_package(libwat1 libwat1 libs "client library for services of watd
The daemon watd hosts services: private state behind a typed interface. With
this library programs use them and manage them.")
debian_package(test libwat-test1 libs "tests of services of watd in one process
The daemon watd hosts services: private state behind a typed interface. With
this library the handlers of a service run inside the process of their test,
without a daemon, with a clock that the test sets.")
debian_package(dev libwat-dev libdevel "development files for services of watd
The daemon watd hosts services: private state behind a typed interface. This
package has what it takes to write services and programs that use them:
headers, the code generator, files for pkg-config and CMake, and examples.")

add_custom_target(debian-changelog ALL DEPENDS ${CMAKE_BINARY_DIR}/debian/changelog.gz)

set(CPACK_COMPONENT_WATD_DEPENDS libwat1)
set(CPACK_COMPONENT_DEV_DEPENDS libwat1 test)
set(CPACK_DEBIAN_WATD_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_WATD_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
foreach(library wat wat-test)
  get_target_property(soversion ${library} SOVERSION)
  file(WRITE ${CMAKE_BINARY_DIR}/debian/${library}/shlibs "lib${library} ${soversion} lib${library}${soversion} (>= ${PROJECT_VERSION})\n")
endforeach()
set(CPACK_DEBIAN_LIBWAT1_PACKAGE_CONTROL_EXTRA ${debian}/triggers ${CMAKE_BINARY_DIR}/debian/wat/shlibs)
set(CPACK_DEBIAN_TEST_PACKAGE_CONTROL_EXTRA ${debian}/triggers ${CMAKE_BINARY_DIR}/debian/wat-test/shlibs)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
  "libprotobuf-c-dev, libprotobuf-dev, protobuf-c-compiler, protobuf-compiler, pkgconf | pkg-config")
include(CPack)
