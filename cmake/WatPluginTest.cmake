# wat_add_plugin_test(PLUGIN test.c ...): the program PLUGIN-test, the plugin's sources and the test in one process, and
# the test PLUGIN of ctest. In the directory of wat_add_plugin; link what the test needs to PLUGIN-test.
function(wat_add_plugin_test plugin)
  get_target_property(sources ${plugin} SOURCES)
  get_target_property(includes ${plugin} INCLUDE_DIRECTORIES)
  add_executable(${plugin}-test ${ARGN} ${sources})
  wat_warnings(${plugin}-test)
  target_include_directories(${plugin}-test PRIVATE ${includes})
  target_link_libraries(${plugin}-test PRIVATE wat-test)
  add_dependencies(${plugin}-test wat-proto wat-generate-${plugin})
  add_test(NAME plugin.${plugin} COMMAND ${plugin}-test)
endfunction()
