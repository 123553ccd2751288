# wat_add_interface(NAME x.proto ...): static library NAME-interface: messages, interface tables, x.client.h.
# wat_add_plugin(NAME x.proto ... source.c ...): the plugin NAME.so with the services of all its .proto files.
#
# Our tree and the installed package use this one file. The products of wat_add_plugin are in plugins/ of the build
# directory, which watd takes as --plugin-dir.

# A missing handler must not link, and by its build id a stack finds its functions; a build that needs something else has
# said so before.
if(NOT DEFINED WAT_PLUGIN_LINK)
  set(WAT_PLUGIN_LINK -Wl,-z,defs -Wl,--build-id)
endif()

# Generates everything of the .proto files, which see one another by file name, into NAME-gen of the current binary
# directory; the messages of wat/types.proto along with it, since a plugin links against nothing of watd.
function(wat_generate out_variable name)
  set(to ${CMAKE_CURRENT_BINARY_DIR}/${name}-gen)
  file(MAKE_DIRECTORY ${to})
  set(includes)
  set(files)
  set(generated ${to}/${name}.plugin.c)
  set(tables)
  set(fulls)
  set(WAT_MESSAGES_BY $<TARGET_FILE:Wat::protoc-gen-wat-c>)
  set(WAT_MESSAGES_BY_TARGET Wat::protoc-gen-wat-c)
  wat_protobuf_c(messages ${to} ${WAT_PROTO_DIR} wat/types.proto)
  foreach(proto ${ARGN})
    get_filename_component(full ${proto} ABSOLUTE)
    get_filename_component(dir ${full} DIRECTORY)
    get_filename_component(base ${proto} NAME_WE)
    list(APPEND includes -I${dir})
    list(APPEND fulls ${full})
    list(APPEND files ${base}.proto)
    list(APPEND generated ${to}/${base}.client.h ${to}/${base}.service.h ${to}/${base}.test.h ${to}/${base}.wat.c)
    list(APPEND tables ${to}/${base}.wat.c)
    wat_protobuf_c(of_file ${to} ${dir} ${base}.proto)
    list(APPEND messages ${of_file})
  endforeach()
  list(REMOVE_DUPLICATES includes)
  add_custom_command(
    OUTPUT ${generated}
    COMMAND ${PROTOC} --plugin=protoc-gen-wat=$<TARGET_FILE:Wat::protoc-gen-wat> --wat_out=plugin=${name}:${to}
            ${includes} -I${WAT_PROTO_DIR} -I${PROTOBUF_INCLUDE} ${files}
    DEPENDS ${fulls} Wat::protoc-gen-wat
    COMMENT "protoc-gen-wat ${name}")
  wat_generated(${generated})
  # One run for all who compile its output.
  if(NOT TARGET wat-generate-${name})
    add_custom_target(wat-generate-${name} DEPENDS ${generated} ${messages})
  endif()
  set(${out_variable}_dir ${to} PARENT_SCOPE)
  set(${out_variable}_messages ${messages} PARENT_SCOPE)
  set(${out_variable}_tables ${tables} PARENT_SCOPE)
  set(${out_variable}_plugin ${to}/${name}.plugin.c PARENT_SCOPE)
endfunction()

function(wat_add_interface name)
  wat_generate(gen ${name} ${ARGN})
  add_library(${name}-interface STATIC ${gen_messages} ${gen_tables})
  target_include_directories(${name}-interface PUBLIC ${gen_dir})
  target_link_libraries(${name}-interface PUBLIC Wat::headers)
endfunction()

function(wat_add_plugin name)
  set(protos ${ARGN})
  list(FILTER protos INCLUDE REGEX "\\.proto$")
  set(sources ${ARGN})
  list(FILTER sources EXCLUDE REGEX "\\.proto$")
  wat_generate(gen ${name} ${protos})
  add_library(${name} MODULE ${sources} ${gen_messages} ${gen_tables} ${gen_plugin})
  # The warnings of our own code; others choose theirs.
  if(COMMAND wat_warnings)
    wat_warnings(${name})
  endif()
  target_include_directories(${name} PRIVATE ${gen_dir})
  target_link_libraries(${name} PRIVATE Wat::headers)
  target_link_options(${name} PRIVATE ${WAT_PLUGIN_LINK})
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
endfunction()
