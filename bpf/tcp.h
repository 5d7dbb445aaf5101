/* SPDX-License-Identifier: Apache-2.0 */
/* Where a TCP connection's streams start, where they stand, and who connected. */
#ifndef SYSCRIBE_TCP_H
#define SYSCRIBE_TCP_H

#include "process.h"
#include "socket.h"

/* A FIN takes one sequence number. Sent: the state says so once tcp_send_fin ran. */
static __always_inline u32 fin_queued(u8 tcp_state) {
  return tcp_state == TCP_FIN_WAIT1 || tcp_state == TCP_FIN_WAIT2 || tcp_state == TCP_TIME_WAIT ||
         tcp_state == TCP_LAST_ACK || tcp_state == TCP_CLOSING;
}

/* Received and read past: tcp_recvmsg steps copied_seq over the FIN with the last byte. */
static __always_inline u32 fin_consumed(struct tcp_sock *tcp, u32 copied) {
  u64 flags = BPF_CORE_READ((struct sock *)tcp, __sk_common.skc_flags);
  return (flags >> SOCK_DONE_BIT & 1) && copied == BPF_CORE_READ(tcp, rcv_nxt);
}

struct starts {
  u32 send, receive;
  u32 beyond; /* what snd_nxt passed beyond the data that was sent */
};

/* One look; false when packets were processed meanwhile, on another CPU. */
static __always_inline bool look_at_starts(struct tcp_sock *tcp, u32 fin, struct starts *starts) {
  u64 acked = BPF_CORE_READ(tcp, bytes_acked);
  u32 una = BPF_CORE_READ(tcp, snd_una);
  u64 received = BPF_CORE_READ(tcp, bytes_received);
  u32 next = BPF_CORE_READ(tcp, rcv_nxt);
  u32 data = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
  starts->send = una - (u32)acked;
  starts->receive = next - (u32)received;
  starts->beyond = BPF_CORE_READ(tcp, snd_nxt) - starts->send - data - fin;
  return starts->beyond <= 1 && una == BPF_CORE_READ(tcp, snd_una) && acked == BPF_CORE_READ(tcp, bytes_acked) &&
         next == BPF_CORE_READ(tcp, rcv_nxt) && received == BPF_CORE_READ(tcp, bytes_received);
}

/*
 * The start of both streams, and the role.
 *
 * bytes_received counts what rcv_nxt passed since the handshake, bytes_acked what snd_una passed since it was set: for
 * the one who connected that includes the acknowledged SYN (tcp_rcv_synsent_state_process), for the one who accepted
 * it does not (tcp_create_openreq_child). bytes_sent less bytes_retrans is data alone; so what snd_nxt passed beyond it
 * is 1 for a client and 0 for a server. No loop: verifiers before 6.3 refuse one that falls through backwards.
 */
static __always_inline void read_starts(struct sock *sk, struct socket_state *state, bool connected) {
  struct tcp_sock *tcp = (struct tcp_sock *)sk;
  struct starts starts;
  u32 fin = fin_queued(BPF_CORE_READ(sk, __sk_common.skc_state)) &&
            BPF_CORE_READ(tcp, snd_nxt) == BPF_CORE_READ(tcp, write_seq);
  if (!look_at_starts(tcp, fin, &starts) && !look_at_starts(tcp, fin, &starts))
    look_at_starts(tcp, fin, &starts);
  u32 send = starts.send, receive = starts.receive, beyond = starts.beyond;
  u8 role;
  if (connected || beyond == 1)
    role = ROLE_CLIENT;
  else if (beyond == 0)
    role = ROLE_SERVER;
  else /* A packet dropped on this host counts as sent. A port bound by connect has fastreuse -1, an accepted one not. */
    role = BPF_CORE_READ(tcp, inet_conn.icsk_bind_hash, fastreuse) < 0 ? ROLE_CLIENT : ROLE_SERVER;
  if (role == ROLE_CLIENT)
    send++;
  state->start[DIRECTION_SEND] = send;
  state->start[DIRECTION_RECV] = receive;
  state->identity.role = role;
  u32 first = __builtin_bswap32(role == ROLE_CLIENT ? send : receive);
  u32 second = __builtin_bswap32(role == ROLE_CLIENT ? receive : send);
  *(u32 *)state->identity.connection = first;
  *(u32 *)(state->identity.connection + 4) = second;
}

/* Positions as they stand now, from 64-bit counters: a stream may have passed 4 GiB before it is first looked at. */
static __always_inline void read_positions(struct sock *sk, struct socket_state *state) {
  struct tcp_sock *tcp = (struct tcp_sock *)sk;
  u64 received = BPF_CORE_READ(tcp, bytes_received);
  u32 unread = state->start[DIRECTION_RECV] + (u32)received - BPF_CORE_READ(tcp, copied_seq);
  state->next[DIRECTION_RECV] = received - unread;
  u64 acked = BPF_CORE_READ(tcp, bytes_acked) - (state->identity.role == ROLE_CLIENT);
  u32 unacked = BPF_CORE_READ(tcp, write_seq) - (state->start[DIRECTION_SEND] + (u32)acked);
  u32 fin = fin_queued(BPF_CORE_READ(sk, __sk_common.skc_state));
  state->next[DIRECTION_SEND] = acked + unacked - fin;
}

/*
 * Makes the state of a connection that is used for the first time. `moved` bytes have just passed in `direction`; they
 * are not behind us.
 */
static __noinline int tcp_begin(struct sock *sk, struct socket_state *state, u8 direction, u32 moved) {
  read_identity(sk, &state->identity);
  state->identity.transport = TRANSPORT_TCP;
  read_starts(sk, state, state->connecting);
  read_positions(sk, state);
  struct tcp_sock *tcp = (struct tcp_sock *)sk;
  u32 copied = BPF_CORE_READ(tcp, copied_seq);
  if (fin_consumed(tcp, copied))
    state->next[DIRECTION_RECV]--;
  if (direction == DIRECTION_SEND)
    state->next[DIRECTION_SEND] -= moved;
  else
    state->next[DIRECTION_RECV] -= moved;
  state->identity.joined_late = state->next[DIRECTION_SEND] != 0 || state->next[DIRECTION_RECV] != 0;
  state->ready = 1;
  return 0;
}

/* Position of the first of `moved` bytes that have just passed, and `behind` more after them. */
static __always_inline u64 tcp_advance(struct sock *sk, struct socket_state *state, u8 direction, u32 moved,
                                       u32 behind) {
  struct tcp_sock *tcp = (struct tcp_sock *)sk;
  u32 index = direction == DIRECTION_SEND ? 0 : 1;
  u64 next = state->next[index];
  u32 sequence = index == 0 ? BPF_CORE_READ(tcp, write_seq) : BPF_CORE_READ(tcp, copied_seq);
  /* Other than 0: bytes passed unseen (or, below 0, were seen already by a thread that overtook this one). */
  s32 unseen = sequence - behind - (state->start[index] + (u32)next + moved);
  if (unseen != 0 && index == 1)
    unseen -= fin_consumed(tcp, sequence);
  u64 position = next + (s64)unseen;
  if ((s64)position < 0)
    position = 0;
  if (position + moved > next)
    state->next[index] = position + moved;
  return position;
}

/* On its own, like the other rare parts of an I/O: what lies on the stack together must stay below 512 bytes. */
static __noinline int announce(struct socket_state *state, u32 tgid, u64 process_start) {
  if (__sync_lock_test_and_set(&state->announced, 1))
    return 0;
  state->pid = tgid;
  state->process_start = process_start;
  struct opened_event event = {.kind = EVENT_OPENED,
                               .pid = tgid,
                               .time = bpf_ktime_get_boot_ns(),
                               .process_start = process_start,
                               .send_position = state->next[DIRECTION_SEND],
                               .receive_position = state->next[DIRECTION_RECV],
                               .socket = state->identity};
  if (!put_socket_event(&event, sizeof event, 0, 0))
    state->announced = 0;
  return 0;
}

/* The connection leaves `tcp_state` for CLOSE: nothing more is sent. */
static __always_inline void settle_sent(struct sock *sk, struct socket_state *state, u8 tcp_state) {
  struct tcp_sock *tcp = (struct tcp_sock *)sk;
  u64 sent = state->next[DIRECTION_SEND];
  s32 more = BPF_CORE_READ(tcp, write_seq) - fin_queued(tcp_state) - (state->start[DIRECTION_SEND] + (u32)sent);
  if (more > 0)
    state->next[DIRECTION_SEND] = sent + more;
}

/* What the process read without our seeing it (splice). */
static __always_inline void settle_received(struct sock *sk, struct socket_state *state) {
  struct tcp_sock *tcp = (struct tcp_sock *)sk;
  u64 received = state->next[DIRECTION_RECV];
  u32 copied = BPF_CORE_READ(tcp, copied_seq);
  s32 more = copied - fin_consumed(tcp, copied) - (state->start[DIRECTION_RECV] + (u32)received);
  if (more > 0)
    state->next[DIRECTION_RECV] = received + more;
}

static __always_inline void put_closed(struct socket_state *state) {
  struct closed_event event = {.kind = EVENT_CLOSED,
                               .pid = state->pid,
                               .time = bpf_ktime_get_boot_ns(),
                               .process_start = state->process_start,
                               .cookie = state->identity.cookie,
                               .sent = state->next[DIRECTION_SEND],
                               .received = state->next[DIRECTION_RECV]};
  __builtin_memcpy(event.connection, state->identity.connection, sizeof event.connection);
  put_socket_event(&event, sizeof event, 0, 0);
}

#endif
