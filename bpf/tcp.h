/* SPDX-License-Identifier: Apache-2.0 */
/* Where a TCP connection's streams start, where they stand, and who connected. */
#ifndef SYSCRIBE_TCP_H
#define SYSCRIBE_TCP_H

#include "process.h"
#include "socket.h"

/* States in which a FIN is queued: all but the instant between the state's change and tcp_send_fin. */
static __always_inline bool fin_queued(u8 tcp_state) {
  return tcp_state == TCP_FIN_WAIT1 || tcp_state == TCP_FIN_WAIT2 || tcp_state == TCP_TIME_WAIT ||
         tcp_state == TCP_LAST_ACK || tcp_state == TCP_CLOSING;
}

/* Received and read past: tcp_recvmsg steps copied_seq over the FIN with the last byte. */
static __always_inline u32 fin_consumed(struct tcp_sock *tcp, u32 copied) {
  u64 flags = BPF_CORE_READ((struct sock *)tcp, __sk_common.skc_flags);
  return (flags >> SOCK_DONE_BIT & 1) && copied == BPF_CORE_READ(tcp, rcv_nxt);
}

struct counters {
  u64 acked, received;
  u32 send, receive; /* where the streams start; `send` is the SYN's own number for the one who connected */
  u32 beyond;        /* what snd_nxt passed beyond the data that was sent: a SYN, a FIN */
  u32 written;       /* write_seq */
  u8 all_sent;       /* snd_nxt is write_seq: a FIN that is queued was sent */
  u8 tcp_state;
};

/* False when the connection moved meanwhile, on another CPU. */
static __always_inline bool read_counters(struct tcp_sock *tcp, struct counters *counters) {
  struct sock *sk = (struct sock *)tcp;
  counters->tcp_state = BPF_CORE_READ(sk, __sk_common.skc_state);
  counters->acked = BPF_CORE_READ(tcp, bytes_acked);
  u32 una = BPF_CORE_READ(tcp, snd_una);
  counters->received = BPF_CORE_READ(tcp, bytes_received);
  u32 next = BPF_CORE_READ(tcp, rcv_nxt);
  u32 data = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
  u32 sent = BPF_CORE_READ(tcp, snd_nxt);
  counters->written = BPF_CORE_READ(tcp, write_seq);
  counters->all_sent = sent == counters->written;
  counters->send = una - (u32)counters->acked;
  counters->receive = next - (u32)counters->received;
  counters->beyond = sent - counters->send - data;
  return counters->beyond <= 2 && una == BPF_CORE_READ(tcp, snd_una) && counters->acked == BPF_CORE_READ(tcp, bytes_acked) &&
         next == BPF_CORE_READ(tcp, rcv_nxt) && counters->received == BPF_CORE_READ(tcp, bytes_received) &&
         counters->tcp_state == BPF_CORE_READ(sk, __sk_common.skc_state);
}

/* The protocol is done with it. The port is given back (skc_num, icsk_bind_hash) shortly before the state says so. */
static __always_inline bool is_over(struct sock *sk) {
  return !BPF_CORE_READ(sk, __sk_common.skc_num) || BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE;
}

/* Who connected, of a port that connect() bound: its fastreuse is -1, a listener's is not. */
static __always_inline u8 role_by_port(struct sock *sk, u8 tcp_state) {
  struct inet_bind_bucket *bucket = BPF_CORE_READ((struct tcp_sock *)sk, inet_conn.icsk_bind_hash);
  if (bucket)
    return BPF_CORE_READ(bucket, fastreuse) < 0 ? ROLE_CLIENT : ROLE_SERVER;
  if (tcp_state != TCP_CLOSE)
    return ROLE_SERVER; /* about to be closed: its FIN was sent, and no SYN */
  /* Reset. The ports that connect() chooses lie above nearly all that are listened on. */
  u16 remote = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
  return local_port(sk) > remote ? ROLE_CLIENT : ROLE_SERVER;
}

/*
 * bytes_received counts what rcv_nxt passed since the handshake, bytes_acked what snd_una passed since it was set: for
 * the one who connected that includes the acknowledged SYN (tcp_rcv_synsent_state_process), for the one who accepted
 * it does not (tcp_create_openreq_child). bytes_sent less bytes_retrans is data alone; so what snd_nxt passed beyond it
 * is the client's SYN, and the FIN of either. A packet dropped on this host counts as sent: then nothing follows.
 */
static __always_inline u8 role_of(struct sock *sk, struct counters *counters) {
  bool may_have_sent_fin = counters->tcp_state == TCP_CLOSE || (fin_queued(counters->tcp_state) && counters->all_sent);
  if (counters->beyond == 0)
    return ROLE_SERVER;
  if (counters->beyond == (may_have_sent_fin ? 2 : 1))
    return ROLE_CLIENT;
  return role_by_port(sk, counters->tcp_state); /* one that is about to queue its FIN, or was reset */
}

/* Of what was written, what is a FIN. */
static __always_inline u32 fin_written(struct counters *counters, u8 role) {
  u32 fin = counters->beyond - (role == ROLE_CLIENT);
  return counters->all_sent && fin <= 1 ? fin : fin_queued(counters->tcp_state);
}

/*
 * Role, starts and positions as they stand now, from 64-bit counters: a stream may have passed 4 GiB before it is first
 * looked at. No loop: verifiers before 6.3 refuse one that falls through backwards.
 */
static __always_inline void read_streams(struct sock *sk, struct socket_state *state, bool connected) {
  struct tcp_sock *tcp = (struct tcp_sock *)sk;
  struct counters counters;
  if (!read_counters(tcp, &counters) && !read_counters(tcp, &counters))
    read_counters(tcp, &counters);
  u8 role = connected ? ROLE_CLIENT : role_of(sk, &counters);
  u32 syn = role == ROLE_CLIENT;
  u32 send = counters.send + syn, receive = counters.receive;
  u32 unread = receive + (u32)counters.received - BPF_CORE_READ(tcp, copied_seq);
  u64 acked = counters.acked - syn;
  u32 unacked = counters.written - (send + (u32)acked);
  state->identity.role = role;
  state->start[DIRECTION_SEND] = send;
  state->start[DIRECTION_RECV] = receive;
  state->next[DIRECTION_SEND] = acked + unacked - fin_written(&counters, role);
  state->next[DIRECTION_RECV] = counters.received - unread;
  *(u32 *)state->identity.connection = __builtin_bswap32(syn ? send : receive);
  *(u32 *)(state->identity.connection + 4) = __builtin_bswap32(syn ? receive : send);
}

/*
 * Makes the state of a connection that is used for the first time. `moved` bytes have just passed in `direction`; they
 * are not behind us.
 */
static __noinline int tcp_begin(struct sock *sk, struct socket_state *state, u8 direction, u32 moved) {
  read_identity(sk, &state->identity);
  state->identity.transport = TRANSPORT_TCP;
  read_streams(sk, state, state->connecting);
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
