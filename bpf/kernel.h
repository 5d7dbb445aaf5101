/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel types the programs read, with only the fields they read. Every access is relocated (CO-RE) against the
 * BTF of the kernel the object is loaded into, so offsets here mean nothing; building needs no BTF.
 */
#ifndef SYSCRIBE_KERNEL_H
#define SYSCRIBE_KERNEL_H

#include <linux/bpf.h>
#include <stdbool.h>
/* After the above. */
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
  int counter;
} atomic_t;

typedef struct {
  s64 counter;
} atomic64_t;

struct kernfs_node {
  struct kernfs_node *__parent; /* 6.15 and newer */
  const char *name;
};

struct kernfs_node___before_6_15 {
  struct kernfs_node *parent;
};

struct cgroup_root;

struct cgroup {
  struct kernfs_node *kn;
  struct cgroup_root *root; /* its hierarchy */
  int level;                /* 0 for the root of the hierarchy */
};

struct cgroup_subsys_state {
  struct cgroup *cgroup;
};

struct css_set {
  struct cgroup_subsys_state *subsys[1]; /* one for each controller: only place and size are taken from here */
  struct cgroup *dfl_cgrp;
};

struct mm_struct {
  unsigned long arg_start, arg_end, env_start, env_end;
};

struct signal_struct {
  atomic_t live;
};

struct inode {
  unsigned short i_mode;
};

struct file {
  struct inode *f_inode;
  void *private_data;
};

struct fdtable {
  unsigned int max_fds;
  struct file **fd;
};

struct files_struct {
  struct fdtable *fdt;
};

struct thread_info {
  unsigned long flags;
  u32 status;
};

#if defined(__TARGET_ARCH_arm64)
struct thread_struct {
  u64 sctlr_user;
};
#endif

struct task_struct {
  struct thread_info thread_info;
#if defined(__TARGET_ARCH_arm64)
  struct thread_struct thread;
#endif
  unsigned int flags;
  int pid;
  int tgid;
  struct task_struct *real_parent;
  struct task_struct *group_leader;
  struct mm_struct *mm;
  struct files_struct *files;
  struct signal_struct *signal;
  struct css_set *cgroups;
  u64 start_boottime;
  char comm[16];
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
  unsigned long di, si, dx, r10, r8, r9, orig_ax, ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
  u64 regs[31];
  u64 orig_x0;
  s32 syscallno;
};
#else
#error "x86_64 and arm64 only"
#endif

struct ns_common {
  unsigned int inum;
};

struct net {
  struct ns_common ns;
};

typedef struct {
  struct net *net;
} possible_net_t;

struct in6_addr {
  union {
    u8 u6_addr8[16];
    u32 u6_addr32[4];
  } in6_u;
};

struct sock_common {
  u32 skc_daddr;
  u32 skc_rcv_saddr;
  u16 skc_dport;
  u16 skc_num;
  unsigned short skc_family;
  unsigned char skc_state;
  possible_net_t skc_net;
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
  atomic64_t skc_cookie;
  unsigned long skc_flags;
};

struct msghdr {
  void *msg_name;
};

struct socket {
  short type;
  struct file *file;
  struct sock *sk;
};

struct sock {
  struct sock_common __sk_common;
  u16 sk_protocol;
  u16 sk_type;
  struct socket *sk_socket;
};

struct inet_sock {
  __be16 inet_sport;
};

struct inet_bind_bucket {
  signed char fastreuse;
};

struct inet_connection_sock {
  struct inet_bind_bucket *icsk_bind_hash;
  const void *icsk_ulp_ops;
};

struct tcp_sock {
  struct inet_connection_sock inet_conn;
  u32 copied_seq;
  u32 write_seq;
  u32 rcv_nxt;
  u32 snd_nxt;
  u32 snd_una;
  u64 bytes_received;
  u64 bytes_acked;
  u64 bytes_sent;
  u64 bytes_retrans;
};

struct bpf_iter_meta {
  void *seq;
};

struct bpf_iter__task_file {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
  u32 fd;
  struct file *file;
};

struct bpf_iter__task {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
};

#pragma clang attribute pop

/* User memory: the same on x86_64 and arm64 (POSIX, 64 bit). Not relocated. */
struct user_iovec {
  u64 base;
  u64 length;
};

struct user_msghdr {
  u64 name;
  u32 name_length;
  u32 padding;
  u64 iov;
  u64 iov_count;
  u64 control;
  u64 control_length;
  u32 flags;
  u32 padding2;
};

struct user_mmsghdr {
  struct user_msghdr header;
  u32 length;
  u32 padding;
};

struct user_sockaddr {
  u16 family;
  u16 port; /* network byte order */
  union {
    u32 v4;
    struct {
      u32 flow;
      u8 v6[16];
    };
  };
};

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define SOCK_DONE_BIT 1 /* enum sock_flags */
#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

enum tcp_state {
  TCP_ESTABLISHED = 1,
  TCP_SYN_SENT = 2,
  TCP_SYN_RECV = 3,
  TCP_FIN_WAIT1 = 4,
  TCP_FIN_WAIT2 = 5,
  TCP_TIME_WAIT = 6,
  TCP_CLOSE = 7,
  TCP_CLOSE_WAIT = 8,
  TCP_LAST_ACK = 9,
  TCP_LISTEN = 10,
  TCP_CLOSING = 11,
};

#endif
