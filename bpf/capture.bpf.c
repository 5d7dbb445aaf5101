// SPDX-License-Identifier: Apache-2.0
/* The programs. Which of them are loaded is the addon's choice. */
#include "consent.h"
#include "io.h"
#include "messages.h"
#include "syscalls.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* So that the object's BTF has every record, those too that only ever lie on a stack: a test reads their layout. */
const struct opened_event *const volatile layout_of_opened = 0;
const struct closed_event *const volatile layout_of_closed = 0;
const struct process_mark *const volatile layout_of_mark = 0;
const struct image_released *const volatile layout_of_released = 0;

/* Where the bytes of the call that runs lie; false when none passed. `number` is -1 when there is no call to look at. */
static __always_inline bool describe_move(struct scratch *scratch, struct sock *sk, struct task_struct *task,
                                          long number, int flags) {
  struct move *move = &scratch->move;
  struct source *source = &move->source;
  int length = move->length;
  u8 ignored;
  if (number < 0) {
    source->missing = task->flags & (PF_KTHREAD | PF_IO_WORKER) ? MISSING_IO_URING : MISSING_OTHER;
  } else {
    struct call *call = &scratch->call;
    read_call((struct pt_regs *)bpf_task_pt_regs(task), call);
    call_shape(number, call, &ignored);
    u32 index = call->shape == SHAPE_MESSAGES ? message_index(bpf_get_current_pid_tgid(), call, length) : 0;
    if (length <= 0)
      return false;
    find_source(call, number, index, source, &scratch->header);
  }
  if (move->direction == DIRECTION_RECV) {
    if (flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB))
      return false;
    if (flags & MSG_TRUNC && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
      source->missing = MISSING_NO_USER_BUFFER; /* thrown away */
  }
  return true;
}

/* Once after each send or receive, whatever the call was. `msg` only with HOOK_FUNCTION, and not for pages. */
static __always_inline int socket_moved(struct sock *sk, struct msghdr *msg, int length, int flags, u8 direction) {
  struct task_struct *task = bpf_get_current_task_btf();
  u32 tgid = task->tgid;
  if (!is_observed(tgid))
    return 0;
  bool has_call = !(task->flags & (PF_KTHREAD | PF_IO_WORKER)) && !is_compat(task);
  struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
  long number = has_call ? call_number(regs) : -1;
  /* Nothing there yet, for one: event loops ask often. Only the calls of many messages count failures. */
  if (length <= 0 && number != CALL_recvmmsg && number != CALL_sendmmsg)
    return 0;
  struct process *process = bpf_map_lookup_elem(&processes, &tgid);
  if (!process)
    return 0;
  struct scratch *scratch = begin_move(tgid, length, direction);
  if (!scratch)
    return 0;
  if (describe_move(scratch, sk, task, number, flags)) {
    if (hook == HOOK_FUNCTION)
      scratch->move.source.name = msg ? (u64)BPF_CORE_READ(msg, msg_name) : 0;
    on_io(sk, process, scratch);
  }
  scratch_free(scratch);
  return 0;
}

/* Kernel 6.3 and newer. */
SEC("tp_btf/sock_send_length")
int socket_send(u64 *ctx) {
  return socket_moved((struct sock *)ctx[0], 0, ctx[1], ctx[2], DIRECTION_SEND);
}

SEC("tp_btf/sock_recv_length")
int socket_receive(u64 *ctx) {
  return socket_moved((struct sock *)ctx[0], 0, ctx[1], ctx[2], DIRECTION_RECV);
}

/*
 * Older kernels: the end of what every send and receive on a socket for IP runs through, net/ipv4/af_inet.c and
 * net/ipv6/af_inet6.c. Files and other sockets do not come here.
 */
static __always_inline int function_moved(u64 *ctx, int length, int flags, u8 direction) {
  struct sock *sk = ((struct socket *)ctx[0])->sk;
  return sk ? socket_moved(sk, (struct msghdr *)ctx[1], length, flags, direction) : 0;
}

SEC("fexit/inet_sendmsg")
int inet4_sent(u64 *ctx) {
  return function_moved(ctx, ctx[3], 0, DIRECTION_SEND);
}

SEC("fexit/inet6_sendmsg")
int inet6_sent(u64 *ctx) {
  return function_moved(ctx, ctx[3], 0, DIRECTION_SEND);
}

SEC("fexit/inet_recvmsg")
int inet4_received(u64 *ctx) {
  return function_moved(ctx, ctx[4], ctx[3], DIRECTION_RECV);
}

SEC("fexit/inet6_recvmsg")
int inet6_received(u64 *ctx) {
  return function_moved(ctx, ctx[4], ctx[3], DIRECTION_RECV);
}

/* sendfile and splice before Linux 6.5. Over UDP it may end in a send of the above. */
SEC("fexit/inet_sendpage")
int inet_page_sent(u64 *ctx) {
  struct socket *socket = (struct socket *)ctx[0];
  struct sock *sk = socket->sk;
  if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
    return 0;
  return socket_moved(sk, 0, ctx[5], 0, DIRECTION_SEND);
}

/* connect() by an observed process, and the handshake's end. */
SEC("tp_btf/inet_sock_set_state")
int socket_state_changed(u64 *ctx) {
  struct sock *sk = (struct sock *)ctx[0];
  int from = ctx[1], to = ctx[2];
  struct socket_state *state;
  if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
    return 0;
  if (to == TCP_SYN_SENT) {
    u32 tgid = bpf_get_current_pid_tgid() >> 32;
    struct process *process = bpf_map_lookup_elem(&processes, &tgid);
    state = tcp_find(sk);
    if (state) { /* of an earlier connection of this socket: connect() after connect(AF_UNSPEC) */
      if (state->announced)
        put_closed(state);
      tcp_forget(sk);
    }
    if (!process || !BPF_CORE_READ(sk, sk_socket, file))
      return 0;
    state = tcp_create(sk);
    if (!state)
      return 0;
    state->connecting = 1;
    state->pid = tgid;
    state->process_start = process->start;
  } else if (to == TCP_ESTABLISHED && from == TCP_SYN_SENT) {
    state = tcp_find(sk);
    if (!state || !state->connecting)
      return 0;
    tcp_begin(sk, state, DIRECTION_SEND, 0);
    u32 tgid = state->pid;
    struct process *process = bpf_map_lookup_elem(&processes, &tgid);
    /* It may run another program by now. */
    if (process && process->start == state->process_start && process->announced)
      announce(state, tgid, process->start);
  } else if (to == TCP_CLOSE) {
    state = tcp_find(sk);
    if (state && state->ready)
      settle_sent(sk, state, from);
  }
  return 0;
}

/*
 * The end of a TCP socket: closed by the process and by the protocol. Later than TCP_CLOSE, at which the process may
 * still have bytes to read.
 */
SEC("tp_btf/tcp_destroy_sock")
int socket_destroyed(u64 *ctx) {
  struct sock *sk = (struct sock *)ctx[0];
  struct socket_state *state = tcp_find(sk);
  if (!state)
    return 0;
  if (state->ready && state->announced) {
    settle_received(sk, state);
    put_closed(state);
  }
  tcp_forget(sk);
  return 0;
}

SEC("tp_btf/sched_process_exec")
int process_executed(u64 *ctx) {
  struct task_struct *task = bpf_get_current_task_btf();
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  u64 now = bpf_ktime_get_boot_ns();
  bpf_map_update_elem(&decisions, &tgid, &now, BPF_ANY);
  if (tgid == self_tgid)
    return 0;
  struct process *before = bpf_map_lookup_elem(&processes, &tgid);
  u64 image_before = before ? before->image : 0;
  u32 told_before = before ? before->announced : 0;
  struct scratch *scratch = scratch_take();
  bool opted_in = false;
  if (scratch)
    opted_in = opts_in(scratch, task);
  else
    count_loss(LOSS_SCRATCH_BUSY, 0);
  u64 start = start_ticks(task);
  if (!opted_in) {
    if (scratch)
      scratch_free(scratch);
    if (!before)
      return 0;
    process_remove(tgid);
    if (told_before)
      put_exit(tgid, start, 1);
    image_release(image_before);
    return 0;
  }
  struct process process = {.start = start,
                            .image = (now << 10 | (bpf_get_smp_processor_id() & 1023)) & ~IMAGE_FROM_USER,
                            .announced = 1};
  u64 one = 1;
  if (bpf_map_update_elem(&images, &process.image, &one, BPF_ANY))
    count_loss(LOSS_TABLE_FULL, 0);
  process_add(tgid, &process);
  put_process(scratch, task, tgid, start, process.image, PROCESS_EXEC);
  scratch_free(scratch);
  if (image_before)
    image_release(image_before);
  return 0;
}

SEC("tp_btf/sched_process_fork")
int process_forked(u64 *ctx) {
  struct task_struct *parent = (struct task_struct *)ctx[0];
  struct task_struct *child = (struct task_struct *)ctx[1];
  u32 parent_tgid = parent->tgid;
  u32 tgid = child->tgid;
  if (tgid == parent_tgid)
    return 0; /* a thread */
  struct process *process = bpf_map_lookup_elem(&processes, &parent_tgid);
  if (!process)
    return 0;
  struct process forked = {.start = child->start_boottime / NANOS_PER_TICK, .image = process->image};
  image_take(forked.image);
  if (!process_add(tgid, &forked))
    image_release(forked.image);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int process_exited(u64 *ctx) {
  struct task_struct *task = (struct task_struct *)ctx[0];
  u32 tgid = task->tgid;
  struct process *process = bpf_map_lookup_elem(&processes, &tgid);
  if (!process || task->signal->live.counter > 0)
    return 0; /* others of its threads go on */
  struct process last = *process;
  if (!process_remove(tgid))
    return 0; /* a thread that ended at the same time was first */
  if (last.announced)
    put_exit(tgid, last.start, 0);
  image_release(last.image);
  return 0;
}

/* Run on request: every open connection of the observed processes that is not known yet. */
SEC("iter/task_file")
int open_sockets(struct bpf_iter__task_file *ctx) {
  struct task_struct *task = ctx->task;
  struct file *file = ctx->file;
  if (!task || !file)
    return 0;
  u32 tgid = task->tgid;
  struct process *process = bpf_map_lookup_elem(&processes, &tgid);
  if (!process)
    return 0;
  struct socket *socket = bpf_sock_from_file(file);
  if (!socket)
    return 0;
  struct sock *sk = socket->sk;
  u8 transport;
  if (!sk || !is_internet(sk, &transport) || transport != TRANSPORT_TCP)
    return 0;
  u8 tcp_state = BPF_CORE_READ(sk, __sk_common.skc_state);
  if (tcp_state != TCP_ESTABLISHED && tcp_state != TCP_CLOSE_WAIT && tcp_state != TCP_FIN_WAIT1 &&
      tcp_state != TCP_FIN_WAIT2)
    return 0;
  struct socket_state *state = tcp_find(sk);
  if (state && state->ready && state->announced)
    return 0;
  if (!state)
    state = tcp_create(sk);
  if (!state)
    return 0;
  if (!state->ready) {
    tcp_begin(sk, state, DIRECTION_SEND, 0);
    if (is_over(sk)) { /* since; should bytes wait to be read, they will tell of it */
      tcp_forget(sk);
      return 0;
    }
  }
  if (!process->announced)
    return 0; /* told, and its connections with it, at first use */
  announce(state, tgid, process->start);
  bpf_seq_write(ctx->meta->seq, &tgid, 1);
  return 0;
}
