/* SPDX-License-Identifier: Apache-2.0 */
/* The two rings, the counters of what did not fit, and the scratch space records are put together in. */
#ifndef SYSCRIBE_OUTPUT_H
#define SYSCRIBE_OUTPUT_H

#include "arguments.h"
#include "config.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 64 << 20);
} socket_ring SEC(".maps");

/* Apart from the other, so that a flood of payload cannot push out an environment. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 8 << 20);
} process_ring SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, LOSS_CAUSES);
  __type(key, u32);
  __type(value, struct loss);
} losses SEC(".maps");

static __always_inline void count_loss(u32 cause, u64 bytes) {
  struct loss *loss = bpf_map_lookup_elem(&losses, &cause);
  if (!loss)
    return;
  __sync_fetch_and_add(&loss->records, 1);
  __sync_fetch_and_add(&loss->bytes, bytes);
}

/* Bytes a scratch slot has written after which it looks how full the ring is. */
#define LOOK_BYTES 65536

/* No wake-up per record: the drain thread looks every few milliseconds, and is woken when much waits. */
static __always_inline bool put_socket_event(void *event, u64 size, u64 payload, u32 *written) {
  u64 flags = BPF_RB_NO_WAKEUP;
  if (written && (*written += size) >= LOOK_BYTES) {
    *written = 0;
    if (bpf_ringbuf_query(&socket_ring, BPF_RB_AVAIL_DATA) >= wake_bytes)
      flags = BPF_RB_FORCE_WAKEUP;
  }
  if (bpf_ringbuf_output(&socket_ring, event, size, flags)) {
    count_loss(LOSS_RING_FULL, payload);
    return false;
  }
  return true;
}

static __always_inline bool put_process_event(void *event, u64 size) {
  if (bpf_ringbuf_output(&process_ring, event, size, BPF_RB_NO_WAKEUP)) {
    count_loss(LOSS_RING_FULL, 0);
    return false;
  }
  return true;
}

/* Where a copy of payload stands: see payload.h. */
struct copy {
  u64 iov;
  u64 base;      /* of the buffer being copied */
  u64 base_left;
  u64 left;      /* bytes still to copy */
  u64 position;  /* of the record being filled */
  u64 total;     /* bytes it and what follows stand for */
  u32 iov_left;
  u32 filled;
  u8 missing;
  u8 padding[7];
};

/* Where the sending of a block of arguments or environment stands: see process.h. */
struct block_walk {
  u64 base, length, offset;
  u32 faults;
  u32 padding;
};

/* Where the search through an environment stands: see consent.h. */
struct environment_walk {
  u64 position, end;
  u8 inside;   /* of a string longer than the buffer */
  u8 profile, disabled, name; /* seen */
  u8 is_disabled;
  u8 padding[3];
};

/*
 * A record with its payload is too large for the stack, and for a per-CPU map (32 KiB). A program can be interrupted
 * by another one on its CPU, so each CPU has several slots, each taken by an atomic flag.
 * Loops keep their variables here as well: the verifier takes what it reads from a map as any number, and so is done
 * after one turn. So does what is known of the call: the stacks of all functions that are called at once may take 512
 * bytes together.
 */
struct scratch {
  u32 busy;
  u32 written; /* bytes since the ring's filling was looked at */
  struct call call;
  struct move move;
  struct user_msghdr header;
  union {
    struct copy copy;
    struct block_walk block_walk;
    struct environment_walk environment_walk;
  };
  union {
    struct {
      struct io_event io;
      u8 payload[2 * PIECE_BYTES];
    };
    struct {
      struct process_event process;
      char string[4096];
    };
    struct {
      struct block_event block;
      u8 piece[2 * PIECE_BYTES];
    };
  };
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, SCRATCH_SLOTS); /* times the CPUs: set by the addon */
  __type(key, u32);
  __type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_take(void) {
  u32 first = bpf_get_smp_processor_id() * SCRATCH_SLOTS;
#pragma unroll
  for (u32 slot = 0; slot < SCRATCH_SLOTS; slot++) {
    u32 key = first + slot;
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &key);
    if (scratch && __sync_val_compare_and_swap(&scratch->busy, 0, 1) == 0)
      return scratch;
  }
  return 0;
}

static __always_inline void scratch_free(struct scratch *scratch) {
  __sync_lock_test_and_set(&scratch->busy, 0);
}

#endif
