// SPDX-License-Identifier: Apache-2.0
#include "ring.h"
#include "fault.h"
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

Ring::Ring(int map, size_t bytes) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))), bytes_(bytes), mask_(bytes - 1) {
  void *own = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
  if (own == MAP_FAILED)
    throw Fault("system", std::string("mmap of a ring: ") + std::strerror(errno));
  void *theirs = mmap(nullptr, page_ + 2 * bytes, PROT_READ, MAP_SHARED, map, static_cast<off_t>(page_));
  if (theirs == MAP_FAILED) {
    const int error = errno;
    munmap(own, page_);
    throw Fault("system", std::string("mmap of a ring: ") + std::strerror(error));
  }
  consumer_ = static_cast<uint64_t *>(own);
  producer_ = static_cast<const uint64_t *>(theirs);
  data_ = static_cast<const uint8_t *>(theirs) + page_;
  position_ = __atomic_load_n(consumer_, __ATOMIC_ACQUIRE);
}

Ring::~Ring() {
  munmap(consumer_, page_);
  munmap(const_cast<uint64_t *>(producer_), page_ + 2 * bytes_);
}
