// What the files of the module `_ct002` share.
#pragma once

#ifdef MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#else
#include "py/obj.h"
#include "py/runtime.h"
#endif

#include "c_api.h"

// The core of an Emulator, in a method of it.
ct002_emulator *ct002_core_of(mp_obj_t self);

#if CT002_WITH_INSIGHTS
// MQTT insights, see ct002_insights.c.
extern const mp_obj_fun_builtin_var_t ct002_insights_obj;
extern const mp_obj_fun_builtin_var_t ct002_insights_connected_obj;
extern const mp_obj_fun_builtin_var_t ct002_insights_next_obj;
extern const mp_obj_fun_builtin_var_t ct002_insights_sent_obj;
extern const mp_obj_fun_builtin_var_t ct002_insights_received_obj;
extern const mp_obj_fun_builtin_var_t ct002_insights_topics_obj;
#endif
