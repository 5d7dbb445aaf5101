/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a socket, and how it is read from the kernel's own.
 *
 * Nothing is kept of sockets that no observed process uses: identity, role and stream positions of a TCP connection
 * follow from tcp_sock at any later time as well, so a connection accepted, inherited or opened before watching began
 * is known as exactly as one that was watched from its first packet.
 */
#ifndef SYSCRIBE_SOCKET_H
#define SYSCRIBE_SOCKET_H

#include "output.h"

struct socket_state {
  struct socket_identity identity;
  u32 start[2]; /* by direction: sequence number of the first byte */
  u64 next[2];  /* by direction: position behind the last byte seen */
  u64 burst;    /* bytes in burst_direction since the last one the other way */
  u64 process_start; /* of the process it was announced for */
  u32 pid;
  u32 announced;
  u8 burst_direction;
  u8 ready;
  u8 connecting; /* an observed process called connect */
  u8 padding[5];
};

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct socket_state);
} tcp_sockets SEC(".maps");

/* HOOK_SYSCALL: the walk from a descriptor ends in a bare address, which socket storage does not take. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1); /* set by the addon */
  __type(key, u64);
  __type(value, struct socket_state);
} tcp_sockets_by_address SEC(".maps");

struct peer_key {
  u64 cookie;
  u8 address[16];
  u16 port;
  u16 length;
  u32 padding;
};

/* UDP: one entry for each socket and peer. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct peer_key);
  __type(value, struct socket_state);
} udp_peers SEC(".maps");

static __always_inline struct socket_state *tcp_find(struct sock *sk) {
  if (hook != HOOK_SYSCALL)
    return bpf_sk_storage_get(&tcp_sockets, sk, 0, 0);
  u64 key = (u64)sk;
  return bpf_map_lookup_elem(&tcp_sockets_by_address, &key);
}

static __always_inline struct socket_state *tcp_create(struct sock *sk) {
  struct socket_state *state;
  if (hook != HOOK_SYSCALL) {
    state = bpf_sk_storage_get(&tcp_sockets, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  } else {
    u64 key = (u64)sk;
    struct socket_state empty = {};
    bpf_map_update_elem(&tcp_sockets_by_address, &key, &empty, BPF_NOEXIST);
    state = bpf_map_lookup_elem(&tcp_sockets_by_address, &key);
  }
  if (!state)
    count_loss(LOSS_TABLE_FULL, 0);
  return state;
}

static __always_inline void tcp_forget(struct sock *sk) {
  if (hook != HOOK_SYSCALL) {
    bpf_sk_storage_delete(&tcp_sockets, sk);
  } else {
    u64 key = (u64)sk;
    bpf_map_delete_elem(&tcp_sockets_by_address, &key);
  }
}

static __always_inline u64 cookie_of(struct sock *sk) {
  if (hook != HOOK_SYSCALL)
    return bpf_get_socket_cookie(sk);
  u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
  /* The kernel gives cookies when first asked, which a bare address cannot do: then the address, below 2^53. */
  if (cookie)
    return cookie;
  u64 address = (u64)sk, number;
  bpf_probe_read_kernel(&number, sizeof number, &address); /* the verifier lets no arithmetic on pointers pass */
  return 1ULL << 52 | (number >> 3 & ((1ULL << 49) - 1));
}

static __always_inline bool is_v4_mapped(const u32 *address) {
  return address[0] == 0 && address[1] == 0 && address[2] == __builtin_bswap32(0xffff);
}

/* Writes an IPv6 address as 16 bytes, as 4 when it is a mapped IPv4 one; returns the length, 0 for the unspecified one. */
static __always_inline u8 put_address6(u8 *to, const u32 *address) {
  if (is_v4_mapped(address)) {
    *(u32 *)to = address[3];
    return address[3] ? 4 : 0;
  }
  __builtin_memcpy(to, address, 16);
  return address[0] | address[1] | address[2] | address[3] ? 16 : 0;
}

/* skc_num is 0 once a connection is closed (inet_put_port), inet_sport stays. */
static __always_inline u16 local_port(struct sock *sk) {
  u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);
  return port ? port : __builtin_bswap16(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
}

static __always_inline void read_identity(struct sock *sk, struct socket_identity *identity) {
  identity->cookie = cookie_of(sk);
  identity->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  identity->local_port = local_port(sk);
  identity->remote_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
  if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
    struct in6_addr address = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
    identity->local_length = put_address6(identity->local_address, address.in6_u.u6_addr32);
    address = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);
    identity->remote_length = put_address6(identity->remote_address, address.in6_u.u6_addr32);
  } else {
    u32 address = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
    *(u32 *)identity->local_address = address;
    identity->local_length = address ? 4 : 0;
    address = BPF_CORE_READ(sk, __sk_common.skc_daddr);
    *(u32 *)identity->remote_address = address;
    identity->remote_length = address ? 4 : 0;
  }
}

/* Whether this user-space socket is TCP or UDP over IP; the transport goes to `transport`. */
static __always_inline bool is_internet(struct sock *sk, u8 *transport) {
  u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  if (family != AF_INET && family != AF_INET6)
    return false;
  u16 protocol = BPF_CORE_READ(sk, sk_protocol);
  *transport = protocol == IPPROTO_UDP ? TRANSPORT_UDP : TRANSPORT_TCP;
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

#endif
