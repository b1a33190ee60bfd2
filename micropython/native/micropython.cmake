# User C module for the CMake based ports: USER_C_MODULES=<this repository>/micropython/native/micropython.cmake

get_filename_component(NULLWATT_CORE ${CMAKE_CURRENT_LIST_DIR}/../../esphome_component/ct002_core ABSOLUTE)
file(GLOB NULLWATT_CORE_SOURCES CONFIGURE_DEPENDS ${NULLWATT_CORE}/*.cpp)
# Nobody calls them under MicroPython: Bluetooth, the cloud, the app.
list(FILTER NULLWATT_CORE_SOURCES EXCLUDE REGEX
     "/(ble_[a-z_]+|c_ble|c_cloud|c_json|cloud_[a-z]+|registration|app_responder|ct_mac)\\.cpp$")

add_library(usermod_nullwatt INTERFACE)
target_sources(usermod_nullwatt INTERFACE ${CMAKE_CURRENT_LIST_DIR}/ct002_module.c
               ${CMAKE_CURRENT_LIST_DIR}/ct002_insights.c ${NULLWATT_CORE_SOURCES})
target_compile_definitions(usermod_nullwatt INTERFACE CT002_WITH_INSIGHTS=1)
target_include_directories(usermod_nullwatt INTERFACE ${NULLWATT_CORE})
# Contracted to fused multiply-add, the same input would get other digits on other chips.
set_source_files_properties(
  ${NULLWATT_CORE_SOURCES} PROPERTIES COMPILE_OPTIONS
  "-std=gnu++17;-fno-exceptions;-fno-rtti;-fno-threadsafe-statics;-ffp-contract=off")
target_link_libraries(usermod INTERFACE usermod_nullwatt)
