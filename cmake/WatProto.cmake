# What protoc makes of a .proto. Of our tree and of the installed package alike; WAT_PROTO_DIR is where wat/options.proto is.
find_program(PROTOC NAMES protoc REQUIRED)
find_program(PROTOC_GEN_C NAMES protoc-gen-c REQUIRED)
find_path(PROTOBUF_INCLUDE google/protobuf/descriptor.proto REQUIRED)

# Generated code is compiled without warnings.
function(wat_generated)
  set_source_files_properties(${ARGN} PROPERTIES GENERATED TRUE COMPILE_OPTIONS "-w")
endfunction()

# wat_protobuf_c(OUT_VARIABLE OUT_DIR IMPORT_DIR file.proto ...): x.pb-c.c and x.pb-c.h of each file, named relative to IMPORT_DIR.
# WAT_MESSAGES_BY, if set, is the generator; else it is protobuf-c's own.
function(wat_protobuf_c out_variable out_dir import_dir)
  file(MAKE_DIRECTORY ${out_dir})
  set(by ${PROTOC_GEN_C})
  if(WAT_MESSAGES_BY)
    set(by ${WAT_MESSAGES_BY})
  endif()
  set(sources)
  foreach(proto ${ARGN})
    string(REGEX REPLACE "\\.proto$" ".pb-c" base ${proto})
    add_custom_command(
      OUTPUT ${out_dir}/${base}.c ${out_dir}/${base}.h
      COMMAND ${PROTOC} --plugin=protoc-gen-c=${by} --c_out=${out_dir}
              -I${import_dir} -I${WAT_PROTO_DIR} -I${PROTOBUF_INCLUDE} ${proto}
      DEPENDS ${import_dir}/${proto} ${WAT_MESSAGES_BY_TARGET}
      COMMENT "protoc-c ${proto}")
    list(APPEND sources ${out_dir}/${base}.c ${out_dir}/${base}.h)
  endforeach()
  wat_generated(${sources})
  set(${out_variable} ${sources} PARENT_SCOPE)
endfunction()
