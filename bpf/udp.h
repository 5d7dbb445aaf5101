/* SPDX-License-Identifier: Apache-2.0 */
/* UDP: the peer, and what passed between a socket and that peer since watching began. */
#ifndef SYSCRIBE_UDP_H
#define SYSCRIBE_UDP_H

#include "process.h"
#include "socket.h"

/*
 * HOOK_SOCKET: peer of the datagram an unconnected socket received last. The tracepoint on receives does not have it, and user
 * memory not yet; a cgroup program on the way of it has. So it is not known where no cgroup2 hierarchy is mounted, nor
 * for a receive that does not ask for the peer (read, recv).
 */
struct udp_sender {
  u8 address[16];
  u16 port;
  u8 length;
  u8 fresh;
};

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct udp_sender);
} udp_senders SEC(".maps");

static __always_inline void keep_sender(struct bpf_sock_addr *ctx, const u32 *address6) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  if (!bpf_map_lookup_elem(&processes, &tgid) || !ctx->sk)
    return;
  struct udp_sender *sender = bpf_sk_storage_get(&udp_senders, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (!sender)
    return;
  if (address6) {
    sender->length = put_address6(sender->address, address6);
  } else {
    __builtin_memset(sender->address, 0, sizeof sender->address);
    *(u32 *)sender->address = ctx->user_ip4;
    sender->length = 4;
  }
  sender->port = __builtin_bswap16(ctx->user_port);
  sender->fresh = 1;
}

/* Both must return 1: nothing else is allowed here. */
SEC("cgroup/recvmsg4")
int udp4_received(struct bpf_sock_addr *ctx) {
  keep_sender(ctx, 0);
  return 1;
}

SEC("cgroup/recvmsg6")
int udp6_received(struct bpf_sock_addr *ctx) {
  u32 address[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};
  keep_sender(ctx, address);
  return 1;
}

/* With HOOK_FUNCTION `name` is the kernel's copy, else that of user memory. */
static __always_inline long copy_name(struct user_sockaddr *to, u32 size, u64 name) {
  return hook == HOOK_FUNCTION ? bpf_probe_read_kernel(to, size, (void *)name)
                               : bpf_probe_read_user(to, size, user_pointer(name));
}

static __always_inline void read_peer(u64 name, struct socket_identity *identity) {
  struct user_sockaddr address = {};
  if (copy_name(&address, 8, name))
    return;
  if (address.family == AF_INET6) {
    if (copy_name(&address, 24, name))
      return;
    u32 words[4];
    __builtin_memcpy(words, address.v6, 16);
    identity->remote_length = put_address6(identity->remote_address, words);
  } else if (address.family == AF_INET) {
    *(u32 *)identity->remote_address = address.v4;
    identity->remote_length = 4;
  } else {
    return;
  }
  identity->remote_port = __builtin_bswap16(address.port);
}

static __noinline struct socket_state *udp_state(struct sock *sk, u64 name, u8 direction) {
  struct socket_state fresh = {};
  struct socket_identity *identity = &fresh.identity;
  read_identity(sk, identity);
  if (identity->remote_length == 0) {
    /* Of a receive, the kernel has filled it in by the exit of the call or function. */
    if (name && (direction == DIRECTION_SEND || hook != HOOK_SOCKET)) {
      read_peer(name, identity);
    } else if (direction == DIRECTION_RECV && hook == HOOK_SOCKET) {
      struct udp_sender *sender = bpf_sk_storage_get(&udp_senders, sk, 0, 0);
      if (sender && sender->fresh) {
        __builtin_memcpy(identity->remote_address, sender->address, 16);
        identity->remote_length = sender->length;
        identity->remote_port = sender->port;
        sender->fresh = 0;
      }
    }
  }
  struct peer_key key = {.cookie = identity->cookie, .port = identity->remote_port, .length = identity->remote_length};
  __builtin_memcpy(key.address, identity->remote_address, 16);
  struct socket_state *state = bpf_map_lookup_elem(&udp_peers, &key);
  if (state)
    return state;
  identity->transport = TRANSPORT_UDP;
  identity->role = direction == DIRECTION_SEND ? ROLE_CLIENT : ROLE_SERVER;
  fresh.ready = 1;
  bpf_map_update_elem(&udp_peers, &key, &fresh, BPF_NOEXIST);
  state = bpf_map_lookup_elem(&udp_peers, &key);
  if (!state)
    count_loss(LOSS_TABLE_FULL, 0);
  return state;
}

#endif
