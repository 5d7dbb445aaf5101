/* SPDX-License-Identifier: Apache-2.0 */
/* Unusual ways to move bytes: through io_uring, as 32-bit programs do, and by addresses that carry a tag. */
#ifndef RING_AND_COMPAT_H
#define RING_AND_COMPAT_H

#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* One IORING_OP_SEND or IORING_OP_RECV through a ring of its own; -1 on error. */
static ssize_t through_ring(unsigned char opcode, int fd, unsigned char *bytes, size_t size) {
  struct io_uring_params params = {0};
  int ring = syscall(__NR_io_uring_setup, 1, &params);
  if (ring < 0)
    return -1;
  size_t length = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
  size_t submissions = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  if (submissions > length)
    length = submissions;
  unsigned char *rings = mmap(0, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
  struct io_uring_sqe *entry =
      mmap(0, params.sq_entries * sizeof *entry, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
  if (rings == MAP_FAILED || entry == MAP_FAILED || !(params.features & IORING_FEAT_SINGLE_MMAP))
    return -1;
  *entry = (struct io_uring_sqe){.opcode = opcode, .fd = fd, .addr = (unsigned long)bytes, .len = size};
  *(unsigned *)(rings + params.sq_off.array) = 0;
  __atomic_store_n((unsigned *)(rings + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  ssize_t moved = -1;
  if (syscall(__NR_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) == 1)
    moved = ((struct io_uring_cqe *)(rings + params.cq_off.cqes))->res;
  munmap(rings, length);
  munmap(entry, params.sq_entries * sizeof *entry);
  close(ring);
  return moved < 0 ? -1 : moved;
}

#if defined(__x86_64__)
/* read (3) or write (4) by the gate of 32-bit programs, whose memory lies below 4 GiB; -1 on error. */
static ssize_t by_32_bit(int number, int fd, unsigned char *bytes, size_t size) {
  unsigned char *low = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED)
    return -1;
  if (number == 4)
    memcpy(low, bytes, size);
  int moved;
  __asm__ volatile("int $0x80"
                   : "=a"(moved)
                   : "a"(number), "b"(fd), "c"((unsigned)(unsigned long)low), "d"((unsigned)size)
                   : "memory", "r8", "r9", "r10", "r11");
  if (number == 3 && moved > 0)
    memcpy(bytes, low, moved);
  munmap(low, size);
  return moved < 0 ? -1 : moved;
}
#endif

#if defined(__aarch64__)
/* The same place with a tag in the top byte, which the kernel's calls take from now on; null on error. */
static unsigned char *tagged(unsigned char *bytes) {
  if (prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE, 0, 0, 0))
    return 0;
  return (unsigned char *)((unsigned long)bytes | 0x2aUL << 56);
}
#endif

#endif
