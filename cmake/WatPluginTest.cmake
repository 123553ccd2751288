# wat_add_plugin_test(PLUGIN test.c ...): the program PLUGIN-test, the plugin's sources and the test in one process, and
# the test plugin.PLUGIN of ctest. In the directory of wat_add_plugin; link what the test needs to PLUGIN-test.
#
# Our tree and the installed package use this one file.
function(wat_add_plugin_test plugin)
  get_target_property(sources ${plugin} SOURCES)
  get_target_property(includes ${plugin} INCLUDE_DIRECTORIES)
  add_executable(${plugin}-test ${ARGN} ${sources})
  # The warnings of our own code; others choose theirs.
  if(COMMAND wat_warnings)
    wat_warnings(${plugin}-test)
  endif()
  target_include_directories(${plugin}-test PRIVATE ${includes})
  target_link_libraries(${plugin}-test PRIVATE Wat::wat-test)
  add_dependencies(${plugin}-test wat-generate-${plugin})
  add_test(NAME plugin.${plugin} COMMAND ${plugin}-test)
endfunction()
