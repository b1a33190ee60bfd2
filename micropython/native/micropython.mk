# User C module for the make based ports: USER_C_MODULES=<this repository>/micropython

NULLWATT_NATIVE := $(USERMOD_DIR)
NULLWATT_CORE := $(abspath $(NULLWATT_NATIVE)/../../esphome_component/ct002_core)

SRC_USERMOD_C += $(NULLWATT_NATIVE)/ct002_module.c $(NULLWATT_NATIVE)/ct002_insights.c
# "LIB" files are not searched for names of Python.
include $(NULLWATT_NATIVE)/services.mk
SRC_USERMOD_LIB_CXX += $(filter-out $(NOT_HERE:%=$(NULLWATT_CORE)/%.cpp),$(wildcard $(NULLWATT_CORE)/*.cpp))

CFLAGS_USERMOD += -I$(NULLWATT_CORE) -DCT002_WITH_INSIGHTS=1
# Contracted to fused multiply-add, the same input would get other digits on other chips.
CXXFLAGS_USERMOD += -I$(NULLWATT_CORE) -std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -ffp-contract=off
