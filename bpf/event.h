/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of the records in the two rings: the one source of truth, included by the BPF programs and by the addon.
 * Native byte order, every padding explicit. A test compares the BTF of the BPF object with the addon's own layout.
 *
 * Ring `socket_ring`: EVENT_IO, EVENT_OPENED, EVENT_CLOSED. Ring `process_ring`: the rest.
 */
#ifndef SYSCRIBE_EVENT_H
#define SYSCRIBE_EVENT_H

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#define LAYOUT(type, field, offset) static_assert(offsetof(type, field) == (offset), #type "." #field)
#define LAYOUT_SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#else
#include "kernel.h"
#define LAYOUT(type, field, offset) _Static_assert(__builtin_offsetof(type, field) == (offset), #type "." #field)
#define LAYOUT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

enum event_kind {
  EVENT_IO = 1,
  EVENT_OPENED = 2,
  EVENT_CLOSED = 3,
  EVENT_PROCESS = 4,        /* a process opted in; EVENT_BLOCKs and one EVENT_PROCESS_END follow */
  EVENT_BLOCK = 5,          /* a piece of its arguments or environment */
  EVENT_PROCESS_END = 6,
  EVENT_EXIT = 7,
  EVENT_IMAGE_RELEASED = 8, /* no process runs this program image any more */
};

/* The numbers below are those of the Avro enums of the same name. */
enum direction { DIRECTION_SEND = 0, DIRECTION_RECV = 1 };
enum role { ROLE_CLIENT = 0, ROLE_SERVER = 1, ROLE_UNKNOWN = 2 };
enum transport { TRANSPORT_TCP = 0, TRANSPORT_UDP = 1 };
enum missing {
  MISSING_NONE = 0,
  MISSING_CAP = 1,
  MISSING_FAULT = 2,
  MISSING_NO_USER_BUFFER = 3,
  MISSING_IO_URING = 4,
  MISSING_LOST = 5,
  MISSING_JOINED_LATE = 6,
  MISSING_OTHER = 7,
};
enum loss_cause {
  LOSS_RING_FULL = 0,
  LOSS_QUEUE_FULL = 1,
  LOSS_SCRATCH_BUSY = 2,
  LOSS_TABLE_FULL = 3,
  LOSS_ENCODE = 4,
  LOSS_OTHER = 5,
  LOSS_CAUSES = 6,
};

/* Payload bytes of one EVENT_IO or EVENT_BLOCK at most. */
#define PIECE_BYTES 32768
/* Bytes kept of ADI_PROFILE and ADI_PROFILE_NAME, the closing NUL included. */
#define PROFILE_BYTES 256
#define CGROUP_DEPTH 8
/* The longest name known of a container's cgroup has 152: a pod in a nested Kubernetes, with its runtime's name and id. */
#define CGROUP_NAME_BYTES 160

/* What does not change while a connection lasts. */
struct socket_identity {
  u64 cookie;
  u32 netns;
  u16 local_port;         /* host byte order */
  u16 remote_port;        /* host byte order */
  u8 connection[8];       /* zero for UDP: the addon makes it */
  u8 local_length;        /* 0, 4 or 16 */
  u8 remote_length;
  u8 transport;
  u8 role;
  u8 joined_late;
  u8 padding[3];
  u8 local_address[16];
  u8 remote_address[16];
};
LAYOUT(struct socket_identity, connection, 16);
LAYOUT(struct socket_identity, local_address, 32);
LAYOUT_SIZE(struct socket_identity, 64);

struct io_event {
  u32 kind;
  u32 payload_length;
  u64 time; /* CLOCK_BOOTTIME, nanoseconds */
  u64 process_start;
  u64 position;
  u64 length;
  u32 pid;
  u8 direction;
  u8 missing;
  u8 layer;
  u8 padding;
  struct socket_identity socket;
  /* payload_length bytes follow */
};
LAYOUT(struct io_event, time, 8);
LAYOUT(struct io_event, pid, 40);
LAYOUT(struct io_event, socket, 48);
LAYOUT_SIZE(struct io_event, 112);

struct opened_event {
  u32 kind;
  u32 pid;
  u64 time;
  u64 process_start;
  u64 send_position;
  u64 receive_position;
  struct socket_identity socket;
};
LAYOUT(struct opened_event, socket, 40);
LAYOUT_SIZE(struct opened_event, 104);

struct closed_event {
  u32 kind;
  u32 pid;
  u64 time;
  u64 process_start;
  u64 cookie;
  u64 sent;
  u64 received;
  u8 connection[8];
};
LAYOUT(struct closed_event, connection, 48);
LAYOUT_SIZE(struct closed_event, 56);

enum process_reason { PROCESS_EXEC = 0, PROCESS_FORK = 1 };

struct process_event {
  u32 kind;
  u32 pid;
  u64 time;
  u64 process_start;
  u64 image; /* names one exec; forked processes share it */
  u32 parent;
  u8 reason;
  u8 has_name;     /* ADI_PROFILE_NAME is set */
  u8 profile_cut;  /* the value is longer than PROFILE_BYTES - 1 */
  u8 name_cut;
  u64 arguments_length;
  u64 environment_length;
  char comm[16];
  char profile[PROFILE_BYTES];
  char name[PROFILE_BYTES];
  /* Names of its cgroup of v2 and of those above it, the leaf first; an empty one ends the list. */
  char cgroup[CGROUP_DEPTH][CGROUP_NAME_BYTES];
  /* The same of the deepest of its cgroups of v1. */
  char controller[CGROUP_DEPTH][CGROUP_NAME_BYTES];
};
LAYOUT(struct process_event, parent, 32);
LAYOUT(struct process_event, arguments_length, 40);
LAYOUT(struct process_event, comm, 56);
LAYOUT(struct process_event, profile, 72);
LAYOUT(struct process_event, cgroup, 584);
LAYOUT(struct process_event, controller, 1864);
LAYOUT_SIZE(struct process_event, 3144);

enum block { BLOCK_ARGUMENTS = 0, BLOCK_ENVIRONMENT = 1 };

struct block_event {
  u32 kind;
  u32 pid;
  u64 process_start;
  u64 offset;
  u32 length;
  u32 block;
  /* length bytes follow */
};
LAYOUT(struct block_event, offset, 16);
LAYOUT_SIZE(struct block_event, 32);

/* EVENT_PROCESS_END, EVENT_EXIT. */
struct process_mark {
  u32 kind;
  u32 pid;
  u64 time;
  u64 process_start;
  u32 opted_out; /* EVENT_EXIT: it did not end, it executed a program without opting in */
  u32 faults;    /* EVENT_PROCESS_END: pieces that could not be read */
};
LAYOUT_SIZE(struct process_mark, 32);

struct image_released {
  u32 kind;
  u32 padding;
  u64 image;
};
LAYOUT_SIZE(struct image_released, 16);

/* Map `processes`: thread group id → an observed process. User space adds the ones it finds running at start. */
struct process {
  u64 start;
  u64 image;
  u32 announced;
  u32 padding;
};
LAYOUT_SIZE(struct process, 24);

/* Map `losses`: loss_cause → totals of one CPU. */
struct loss {
  u64 records;
  u64 bytes;
};
LAYOUT_SIZE(struct loss, 16);

#endif
