// SPDX-License-Identifier: Apache-2.0
#include "drain.h"
#include "fault.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {
constexpr int64_t milli = 1'000'000;
/** How often the kernel's counters of losses are read. */
constexpr int64_t losses_interval = 100 * milli;
/** A process whose pieces have not all come by then has lost some. */
constexpr int64_t process_patience = 2'000 * milli;
/** Process events are few and worth more: they may pass the queue's limit by this much. */
constexpr size_t process_reserve = 32 << 20;
} // namespace

Drain::Drain(const Settings &settings, Programs &programs, std::function<void()> notify)
    : settings_(settings), programs_(programs), notify_(std::move(notify)),
      watermark_(clock_.epoch(boot_nanos()) - settle_nanos), reached_(0), queue_(watermark_, reached_),
      socket_ring_(programs.map("socket_ring"), settings.ring_bytes),
      process_ring_(programs.map("process_ring"), settings.process_ring_bytes),
      encoder_(settings.host, settings.boot) {
  for (uint32_t partition = 0; partition < settings.partitions; partition++)
    open_.emplace_back(partition, settings.schema, settings.batch_bytes, encoder_.largest());
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  poll_ = epoll_create1(EPOLL_CLOEXEC);
  epoll_event on_wake{}, on_ring{};
  on_wake.events = EPOLLIN;
  on_wake.data.fd = wake_;
  // Edge-triggered: only a wake-up by a program counts, not that something waits.
  on_ring.events = EPOLLIN | EPOLLET;
  if (wake_ < 0 || poll_ < 0 || epoll_ctl(poll_, EPOLL_CTL_ADD, wake_, &on_wake) != 0 ||
      epoll_ctl(poll_, EPOLL_CTL_ADD, programs.map("socket_ring"), &on_ring) != 0) {
    const int error = errno;
    close(wake_);
    close(poll_);
    throw Fault("system", std::string("epoll: ") + std::strerror(error));
  }
  thread_ = std::thread([this] { run(); });
}

Drain::~Drain() {
  stopping_ = true;
  wake_up();
  thread_.join();
  close(poll_);
  close(wake_);
}

void Drain::run() {
  pthread_setname_np(pthread_self(), "syscribe-drain");
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), settings_.nice);
  while (!stopping_) {
    wait();
    pass();
    timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    counts_.cpu_nanos = static_cast<uint64_t>(used.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(used.tv_nsec);
  }
}

void Drain::wait() {
  const bool pressed = requested_.load() != 0;
  epoll_event events[2];
  const int count = epoll_wait(poll_, events, 2, pressed ? 1 : static_cast<int>(settings_.batch_millis));
  for (int i = 0; i < count; i++) {
    uint64_t ignored;
    if (events[i].data.fd == wake_ && read(wake_, &ignored, sizeof ignored) < 0)
      break;
  }
}

void Drain::wake_up() {
  const uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0)
    return; // full: it wakes anyway
}

int64_t Drain::request() {
  const int64_t now = boot_nanos();
  int64_t before = requested_.load();
  while (before < now && !requested_.compare_exchange_weak(before, now)) {
  }
  wake_up();
  return now;
}

int64_t Drain::time_of(uint64_t boot) const {
  const int64_t time = clock_.epoch(static_cast<int64_t>(boot));
  return time > watermark_ ? time : watermark_ + 1;
}

void Drain::pass() {
  const int64_t now = boot_nanos();
  clock_.follow(now);
  queued_bytes_ = queue_.bytes();
  // The socket ring's end is read first: the process of each of its records is in the process ring by then.
  const uint64_t socket_end = socket_ring_.produced();
  const uint64_t process_end = process_ring_.produced();
  const uint64_t waiting = socket_ring_.waiting(socket_end);
  if (waiting > counts_.ring_high_water)
    counts_.ring_high_water = waiting;
  const int64_t epoch = clock_.epoch(0);
  const size_t first_new = open_processes_.size();
  bool whole = process_ring_.drain(process_end, [&](const uint8_t *data, uint32_t length) {
    process_events_.take(data, length, epoch, open_processes_);
  });
  process_events_.expire(now - process_patience, epoch, open_processes_);
  for (size_t i = first_new; i < open_processes_.size(); i++) {
    ProcessEvent &event = open_processes_[i];
    if (event.time <= watermark_)
      event.time = watermark_ + 1;
    if (queued_bytes_ + open_bytes_ + event.bytes() > settings_.queue_bytes + process_reserve) {
      own_losses_[LOSS_QUEUE_FULL].records++;
      open_processes_.erase(open_processes_.begin() + static_cast<ptrdiff_t>(i--));
      continue;
    }
    open_bytes_ += event.bytes();
  }
  whole = socket_ring_.drain(socket_end,
                             [&](const uint8_t *data, uint32_t length) { take_socket_event(data, length); }) &&
          whole;
  const int64_t requested = requested_.load();
  const bool answers = requested != 0 && whole && now - settle_nanos >= requested;
  if (now - losses_read_at_ >= losses_interval || answers) {
    losses_read_at_ = now;
    take_losses();
  }
  // It goes out with the next delivery, which holds everything that is open now: also while the reader is behind for long.
  if (whole && now - settle_nanos > reached_) {
    reached_ = now - settle_nanos;
    watermark_ = std::max(watermark_, clock_.epoch(reached_));
  }
  // While the reader is behind, batches are better filled up than queued small.
  if (queue_.empty() || answers)
    publish();
  if (answers) {
    int64_t expected = requested;
    requested_.compare_exchange_strong(expected, 0);
    answered_ = true;
  }
  if (answers || !queue_.empty() || queue_.has_losses())
    notify_();
}

void Drain::take_socket_event(const uint8_t *data, uint32_t length) {
  uint32_t kind;
  std::memcpy(&kind, data, sizeof kind);
  const auto *io = reinterpret_cast<const io_event *>(data);
  const auto *opened = reinterpret_cast<const opened_event *>(data);
  const auto *closed = reinterpret_cast<const closed_event *>(data);
  const uint64_t payload = kind == EVENT_IO ? io->payload_length : 0;
  if (queued_bytes_ + open_bytes_ + length > settings_.queue_bytes) {
    own_losses_[LOSS_QUEUE_FULL].records++;
    own_losses_[LOSS_QUEUE_FULL].bytes += payload;
    return;
  }
  uint8_t connection[8];
  if (kind == EVENT_CLOSED)
    std::memcpy(connection, closed->connection, 8);
  else
    encoder_.connection(kind == EVENT_IO ? io->socket : opened->socket, connection);
  BatchBuilder &batch = open_[partition_of(connection, 8, settings_.partitions)];
  const size_t before = batch.length();
  uint8_t *to = batch.value();
  int64_t time;
  switch (kind) {
  case EVENT_IO:
    time = time_of(io->time);
    to = encoder_.put_io(to, *io, connection, time);
    break;
  case EVENT_OPENED:
    time = time_of(opened->time);
    to = encoder_.put_opened(to, *opened, connection, time);
    break;
  case EVENT_CLOSED:
    time = time_of(closed->time);
    to = encoder_.put_closed(to, *closed, time);
    break;
  default:
    own_losses_[LOSS_ENCODE].records++;
    return;
  }
  batch.add(connection, time / milli, to);
  const size_t added = batch.length() - before;
  open_bytes_ += added;
  counts_.records.fetch_add(1, std::memory_order_relaxed);
  counts_.payload_bytes.fetch_add(payload, std::memory_order_relaxed);
  counts_.encoded_bytes.fetch_add(added, std::memory_order_relaxed);
  if (batch.full())
    publish();
}

void Drain::publish() {
  Delivery delivery;
  for (BatchBuilder &batch : open_)
    if (batch.length() > 0)
      delivery.batches.push_back(batch.take());
  if (delivery.batches.empty() && open_processes_.empty()) {
    queue_.advance(watermark_, reached_);
    return;
  }
  delivery.processes.swap(open_processes_);
  delivery.bytes = open_bytes_;
  delivery.watermark = watermark_;
  delivery.reached = reached_;
  queued_bytes_ += open_bytes_;
  open_bytes_ = 0;
  queue_.put(std::move(delivery));
}

void Drain::take_losses() {
  Losses kernel = programs_.losses();
  Losses fresh = own_losses_;
  own_losses_ = {};
  for (size_t cause = 0; cause < fresh.size(); cause++) {
    fresh[cause].records += kernel[cause].records - kernel_told_[cause].records;
    fresh[cause].bytes += kernel[cause].bytes - kernel_told_[cause].bytes;
  }
  kernel_told_ = kernel;
  queue_.add_losses(fresh);
  std::lock_guard<std::mutex> lock(totals_mutex_);
  for (size_t cause = 0; cause < fresh.size(); cause++) {
    totals_[cause].records += fresh[cause].records;
    totals_[cause].bytes += fresh[cause].bytes;
  }
}

Losses Drain::lost() const {
  std::lock_guard<std::mutex> lock(totals_mutex_);
  return totals_;
}
