// SPDX-License-Identifier: Apache-2.0
#include "libbpf_log.h"
#include <bpf/libbpf.h>
#include <cstdio>

namespace {
thread_local std::string *current = nullptr;
constexpr size_t most = 4 << 20;
constexpr size_t shown = 64 << 10;

int keep(libbpf_print_level level, const char *format, va_list arguments) {
  if (level == LIBBPF_DEBUG || current == nullptr || current->size() > most)
    return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0)
    return 0;
  const size_t start = current->size();
  current->resize(start + static_cast<size_t>(length) + 1);
  std::vsnprintf(&(*current)[start], static_cast<size_t>(length) + 1, format, arguments);
  current->resize(start + static_cast<size_t>(length));
  return length;
}

thread_local LibbpfLog *innermost = nullptr;
} // namespace

LibbpfLog::LibbpfLog() : outer_(innermost) {
  libbpf_set_print(keep);
  innermost = this;
  current = &text_;
}

LibbpfLog::~LibbpfLog() {
  innermost = outer_;
  current = outer_ == nullptr ? nullptr : &outer_->text_;
}

std::string LibbpfLog::text() const { return text_.size() <= shown ? text_ : text_.substr(text_.size() - shown); }
