# What is installed where, for all targets: by GNUInstallDirs, in components that are also the Debian packages. The manual
# is in docs/man.
#   watd      the programs, the plugins, the system service
#   libwat1   the client library
#   test      the library that runs handlers in the process of a test
#   dev       headers, .proto files, protoc-gen-wat, pkg-config and CMake files
# In a prefix that the dynamic linker does not search, watctl looks for libwat relative to itself.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  file(RELATIVE_PATH to_libdir ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(watctl PROPERTIES INSTALL_RPATH $ORIGIN/${to_libdir})
endif()

install(TARGETS watd watctl RUNTIME COMPONENT watd)
install(TARGETS watd-host watd-gate RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR} COMPONENT watd)
install(TARGETS counter LIBRARY DESTINATION ${WAT_PLUGIN_INSTALL_DIR} COMPONENT watd)
install(TARGETS wat EXPORT WatTargets LIBRARY COMPONENT libwat1 NAMELINK_COMPONENT dev)
install(TARGETS wat-test EXPORT WatTargets LIBRARY COMPONENT test NAMELINK_COMPONENT dev)
install(TARGETS wat-headers protoc-gen-wat protoc-gen-wat-c EXPORT WatTargets RUNTIME COMPONENT dev)

install(DIRECTORY ${CMAKE_BINARY_DIR}/include/wat DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT dev FILES_MATCHING PATTERN *.h)
install(FILES proto/wat/options.proto proto/wat/types.proto DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wat COMPONENT dev)
install(DIRECTORY ${WAT_INTERFACE_DIR}/ DESTINATION ${WAT_INTERFACE_INSTALL_DIR} COMPONENT dev)

include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/package/WatConfig.cmake.in WatConfig.cmake
  INSTALL_DESTINATION ${WAT_CMAKE_INSTALL_DIR}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR WAT_INTERFACE_INSTALL_DIR WAT_PLUGIN_INSTALL_DIR)
write_basic_package_version_file(WatConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/WatConfig.cmake ${CMAKE_BINARY_DIR}/WatConfigVersion.cmake
  cmake/WatProto.cmake cmake/WatPlugin.cmake cmake/WatPluginTest.cmake DESTINATION ${WAT_CMAKE_INSTALL_DIR} COMPONENT dev)
install(EXPORT WatTargets NAMESPACE Wat:: DESTINATION ${WAT_CMAKE_INSTALL_DIR} COMPONENT dev)

# Files that name absolute paths get those of the prefix they are installed to, which is known then only.
set(with_paths ${CMAKE_BINARY_DIR}/install-with-paths.cmake)
configure_file(cmake/package/install-with-paths.cmake.in ${with_paths} @ONLY)
# wat_install_with_paths(COMPONENT DESTINATION file ...): a relative destination is below the prefix, or is sysconfdir/...
function(wat_install_with_paths component destination)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE files)
  install(CODE "set(WAT_DESTINATION \"${destination}\")\nset(WAT_FILES \"${files}\")" COMPONENT ${component})
  install(SCRIPT ${with_paths} COMPONENT ${component})
endfunction()

wat_install_with_paths(dev ${CMAKE_INSTALL_LIBDIR}/pkgconfig cmake/package/wat.pc.in cmake/package/wat-plugin.pc.in
  cmake/package/wat-test.pc.in)

# The system service.
wat_install_with_paths(watd lib/systemd/system systemd/watd.service.in systemd/watd.socket systemd/watd-admin.socket systemd/watd-tcp.socket)
install(FILES systemd/watd.sysusers DESTINATION lib/sysusers.d RENAME watd.conf COMPONENT watd)
install(FILES systemd/watd.tmpfiles DESTINATION lib/tmpfiles.d RENAME watd.conf COMPONENT watd)
wat_install_with_paths(watd sysconfdir/watd conf/watd.conf)

# Documentation; Debian's packages have directories of their own, and the license once for all.
set(dev_doc ${CMAKE_INSTALL_DOCDIR})
if(WAT_DEBIAN)
  set(dev_doc ${CMAKE_INSTALL_DATADIR}/doc/libwat-dev)
  include(WatDebian)
else()
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT watd)
endif()
install(FILES README.md SECURITY.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT watd)
install(FILES docs/first-steps.md docs/debugging.md docs/stability.md docs/journal.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT watd)
install(DIRECTORY examples DESTINATION ${dev_doc} COMPONENT dev PATTERN tour.sh EXCLUDE PATTERN __pycache__ EXCLUDE)
