# wat_add_interface(NAME x.proto): static library NAME-interface: messages, interface tables, x.client.h.
# wat_add_plugin(NAME x.proto source.c ...): the plugin NAME.so.

# Generates everything of one .proto into the current binary directory.
function(wat_generate out_variable proto)
  get_filename_component(full ${proto} ABSOLUTE)
  get_filename_component(dir ${full} DIRECTORY)
  get_filename_component(base ${proto} NAME_WE)
  set(to ${CMAKE_CURRENT_BINARY_DIR}/${base}-gen)
  file(MAKE_DIRECTORY ${to})
  wat_protobuf_c(messages ${to} ${dir} ${base}.proto)
  set(generated ${to}/${base}.client.h ${to}/${base}.service.h ${to}/${base}.wat.c ${to}/${base}.plugin.c)
  add_custom_command(
    OUTPUT ${generated}
    COMMAND ${PROTOC} --plugin=protoc-gen-wat=$<TARGET_FILE:protoc-gen-wat> --wat_out=${to}
            -I${dir} -I${CMAKE_SOURCE_DIR}/proto -I${PROTOBUF_INCLUDE} ${base}.proto
    DEPENDS ${dir}/${base}.proto protoc-gen-wat
    COMMENT "protoc-gen-wat ${base}.proto")
  wat_generated(${generated})
  # One run for all who compile its output.
  if(NOT TARGET wat-generate-${base})
    add_custom_target(wat-generate-${base} DEPENDS ${generated} ${messages})
  endif()
  set(${out_variable}_dir ${to} PARENT_SCOPE)
  set(${out_variable}_messages ${messages} PARENT_SCOPE)
endfunction()

set(WAT_TYPES_SOURCE ${CMAKE_BINARY_DIR}/include/wat/types.pb-c.c)

function(wat_add_interface name proto)
  get_filename_component(base ${proto} NAME_WE)
  wat_generate(gen ${proto})
  set_source_files_properties(${WAT_TYPES_SOURCE} PROPERTIES GENERATED TRUE COMPILE_OPTIONS "-w")
  add_library(${name}-interface STATIC ${gen_messages} ${gen_dir}/${base}.wat.c ${WAT_TYPES_SOURCE})
  add_dependencies(${name}-interface wat-proto)
  target_include_directories(${name}-interface PUBLIC ${gen_dir})
  target_link_libraries(${name}-interface PUBLIC PkgConfig::PROTOBUF_C)
endfunction()

function(wat_add_plugin name proto)
  get_filename_component(base ${proto} NAME_WE)
  wat_generate(gen ${proto})
  set_source_files_properties(${WAT_TYPES_SOURCE} PROPERTIES GENERATED TRUE COMPILE_OPTIONS "-w")
  add_library(${name} MODULE ${ARGN} ${gen_messages} ${gen_dir}/${base}.wat.c ${gen_dir}/${base}.plugin.c ${WAT_TYPES_SOURCE})
  wat_warnings(${name})
  add_dependencies(${name} wat-proto)
  target_include_directories(${name} PRIVATE ${gen_dir})
  target_link_libraries(${name} PRIVATE PkgConfig::PROTOBUF_C)
  # A missing handler must not link.
  target_link_options(${name} PRIVATE -Wl,-z,defs)
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
endfunction()
