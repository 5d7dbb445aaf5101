// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "process_events.h"
#include "programs.h"

/** A running process found in /proc: AdoptedProcess of collector/src/native.ts. */
struct Adoptee {
  uint32_t pid = 0;
  uint64_t start = 0;
  uint64_t read_at = 0;
  uint64_t image_number = 0;
  Image image;
};

/** Enters it in the kernel's table, unless the kernel knows better; false then. @throws Fault `system` */
bool adopt(const Programs &programs, ProcessEvents &events, Adoptee adoptee);

/** How many processes are observed now. */
uint32_t observed_processes(const Programs &programs);
