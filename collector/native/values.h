// SPDX-License-Identifier: Apache-2.0
// Between the addon's structs and the JavaScript objects that collector/src/native.ts declares.
#pragma once
#include "adoption.h"
#include "queue.h"
#include "settings.h"
#include <napi.h>

/** @throws Fault `bad_option` naming the option */
Settings read_settings(const Napi::Object &options);
/** @throws Fault `bad_option` */
Adoptee read_adoptee(const Napi::Object &process);

/** NativeDelivery; takes the batches' memory over. */
Napi::Object delivery_value(Napi::Env env, Delivery delivery);
/** Loss[]: causes with none are left out. */
Napi::Array losses_value(Napi::Env env, const Losses &losses);
