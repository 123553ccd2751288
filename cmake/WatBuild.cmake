# Where products go, and how everything is compiled.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
# Below the places of GNUInstallDirs; see WatInstall.
set(WAT_PLUGIN_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/watd/plugins)
set(WAT_PLUGIN_INSTALL_FULL_DIR ${CMAKE_INSTALL_FULL_LIBDIR}/watd/plugins)
set(WAT_INTERFACE_INSTALL_DIR ${CMAKE_INSTALL_DATADIR}/wat/interfaces)
set(WAT_CMAKE_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Wat)

add_compile_definitions(_GNU_SOURCE WAT_VERSION="${PROJECT_VERSION}")
# build/include is what an installed <wat/*.h> is; build/gen holds what stays inside.
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/include ${CMAKE_BINARY_DIR}/gen)

set(WAT_WARNINGS -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
add_compile_options(-g -fno-common -fvisibility=hidden)
add_link_options(-Wl,--as-needed)

# Checks that cost time: of the promises that a service with a live form makes, for example.
if(WAT_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions(WAT_DEBUG=1)
endif()
if(WAT_SANITIZE STREQUAL "address")
  add_compile_options(-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(WAT_SANITIZE STREQUAL "thread")
  add_compile_options(-O1 -fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_C_FLAGS_RELEASE "-O2")
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()
if(WAT_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "Clang")
  # Tests that count memory or do less under a sanitizer ask for what gcc says by itself.
  string(TOUPPER ${WAT_SANITIZE} sanitizer)
  add_compile_definitions(__SANITIZE_${sanitizer}__=1)
endif()
set(WAT_PLUGIN_LINK -Wl,-z,defs -Wl,--build-id) # a missing handler must not link; a stack finds its functions
if(WAT_SANITIZE STREQUAL "thread" AND CMAKE_C_COMPILER_ID STREQUAL "Clang")
  # The shared runtime of clang 14 dies before main. The static one is in every program, which exports it to the plugins
  # and libraries that it loads; those are linked with its names undefined. Defined and empty: without a value it is unset.
  set(WAT_PLUGIN_LINK "")
elseif(WAT_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "Clang")
  # A plugin is linked with -z defs, so the runtime has to be a shared one.
  add_compile_options(-shared-libsan)
  add_link_options(-shared-libsan)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-runtime-dir OUTPUT_VARIABLE san_dir OUTPUT_STRIP_TRAILING_WHITESPACE)
  list(APPEND CMAKE_BUILD_RPATH ${san_dir})
endif()

# Our own code of a target: all warnings. Generated code is compiled without (wat_generated).
function(wat_warnings)
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE ${WAT_WARNINGS})
  endforeach()
endfunction()

# What every call passes through is compiled so that it can be optimized as a whole, across its files: libwat and
# watd-host are linked that way, in what is released. The objects are whole without it too, and everything else, the
# tests foremost, is linked as usual and soon.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT WAT_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(WAT_WHOLE ON)
  add_link_options($<IF:$<BOOL:$<TARGET_PROPERTY:WAT_LINKED_AS_A_WHOLE>>,-flto=auto,-fno-lto>)
endif()

function(wat_on_the_way)
  if(WAT_WHOLE)
    foreach(target ${ARGN})
      target_compile_options(${target} PRIVATE -flto -ffat-lto-objects)
    endforeach()
  endif()
endfunction()

function(wat_linked_as_a_whole target)
  set_target_properties(${target} PROPERTIES WAT_LINKED_AS_A_WHOLE ON)
endfunction()
