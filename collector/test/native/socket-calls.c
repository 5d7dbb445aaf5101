// SPDX-License-Identifier: Apache-2.0
/*
 * Moves known bytes over one connection with a chosen pair of system calls.
 *
 *   socket-calls client <4|6> <port> <calls> <size>   connects to localhost, sends <size> bytes, then receives as many
 *   socket-calls server <4|6> <port> <calls> <size>   accepts one connection (prints "port N"), receives, then sends
 *   socket-calls udp <4|6> <port> <calls> <size>      as client, by UDP; calls ending in + connect first
 *   socket-calls env <program> <argument>...          runs a program with the environment block read from stdin
 *   socket-calls fork <program>...                    fork without exec, then as the rest says, in the child
 *   socket-calls thread <program>...                  as the rest says, in another thread
 *   socket-calls bare <program>...                    execs without environment
 *
 * <calls>: read (write), readv (writev), recvfrom (sendto), recvmsg (sendmsg), recvmmsg (sendmmsg), preadv2 (pwritev2),
 * sendfile, splice (both with read), peek (recv with MSG_PEEK first), io_uring, compat (32-bit calls, x86 only),
 * tagged (read and write by addresses with a tag, arm64 only).
 * Byte n sent is n * 31 + n / 256 modulo 256.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ring-and-compat.h"

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static unsigned char *pattern(size_t size) {
  unsigned char *bytes = malloc(size ? size : 1);
  for (size_t n = 0; n < size; n++)
    bytes[n] = n * 31 + n / 256;
  return bytes;
}

/* Three parts, the middle one empty of nothing: a third each, and an empty one between. */
static int split(unsigned char *bytes, size_t size, struct iovec *parts) {
  size_t third = size / 3;
  parts[0] = (struct iovec){bytes, third};
  parts[1] = (struct iovec){bytes + third, 0};
  parts[2] = (struct iovec){bytes + third, third};
  parts[3] = (struct iovec){bytes + 2 * third, size - 2 * third};
  return 4;
}

static int file_with(unsigned char *bytes, size_t size) {
  int file = memfd_create("content", 0);
  if (file < 0 || write(file, bytes, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) != 0)
    fail("memfd");
  return file;
}

static ssize_t send_some(int fd, const char *calls, unsigned char *bytes, size_t size, struct sockaddr *to, socklen_t length) {
  struct iovec parts[4];
  struct msghdr message = {.msg_name = to, .msg_namelen = to ? length : 0, .msg_iov = parts};
  if (!strcmp(calls, "read") || !strcmp(calls, "peek"))
    return write(fd, bytes, size);
  if (!strcmp(calls, "recvfrom"))
    return sendto(fd, bytes, size, 0, to, to ? length : 0);
  if (!strcmp(calls, "io_uring"))
    return through_ring(IORING_OP_SEND, fd, bytes, size);
#if defined(__x86_64__)
  if (!strcmp(calls, "compat"))
    return by_32_bit(4, fd, bytes, size);
#endif
#if defined(__aarch64__)
  if (!strcmp(calls, "tagged"))
    return write(fd, tagged(bytes), size);
#endif
  message.msg_iovlen = split(bytes, size, parts);
  if (!strcmp(calls, "readv"))
    return writev(fd, parts, message.msg_iovlen);
  if (!strcmp(calls, "preadv2"))
    return pwritev2(fd, parts, message.msg_iovlen, -1, 0);
  if (!strcmp(calls, "recvmsg"))
    return sendmsg(fd, &message, 0);
  if (!strcmp(calls, "recvmmsg")) {
    struct mmsghdr messages[3] = {0};
    struct iovec one[3] = {parts[0], parts[2], parts[3]};
    for (int i = 0; i < 3; i++) {
      messages[i].msg_hdr = (struct msghdr){.msg_name = to, .msg_namelen = to ? length : 0, .msg_iov = &one[i], .msg_iovlen = 1};
    }
    int sent = sendmmsg(fd, messages, 3, 0);
    ssize_t total = 0;
    for (int i = 0; i < sent; i++)
      total += messages[i].msg_len;
    return sent < 0 ? -1 : total;
  }
  if (!strcmp(calls, "sendfile")) {
    int file = file_with(bytes, size);
    ssize_t sent = sendfile(fd, file, 0, size);
    close(file);
    return sent;
  }
  if (!strcmp(calls, "splice")) {
    int file = file_with(bytes, size), tube[2];
    if (pipe(tube))
      fail("pipe");
    ssize_t in = splice(file, 0, tube[1], 0, size < 65536 ? size : 65536, 0);
    ssize_t sent = splice(tube[0], 0, fd, 0, in, 0);
    close(file), close(tube[0]), close(tube[1]);
    return sent;
  }
  fprintf(stderr, "unknown calls %s\n", calls);
  exit(2);
}

static int datagrams;

static ssize_t receive_some(int fd, const char *calls, unsigned char *bytes, size_t size) {
  struct iovec parts[4];
  struct sockaddr_storage from;
  struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = parts};
  if (!strcmp(calls, "recvfrom")) {
    socklen_t length = sizeof from;
    return recvfrom(fd, bytes, size, 0, (struct sockaddr *)&from, &length);
  }
  if (!strcmp(calls, "peek")) {
    if (recv(fd, bytes, size, MSG_PEEK) < 0)
      return -1;
    return recv(fd, bytes, size, 0);
  }
  if (!strcmp(calls, "io_uring"))
    return through_ring(IORING_OP_RECV, fd, bytes, size);
#if defined(__x86_64__)
  if (!strcmp(calls, "compat"))
    return by_32_bit(3, fd, bytes, size);
#endif
#if defined(__aarch64__)
  if (!strcmp(calls, "tagged"))
    return read(fd, tagged(bytes), size);
#endif
  message.msg_iovlen = split(bytes, size, parts);
  if (!strcmp(calls, "readv"))
    return readv(fd, parts, message.msg_iovlen);
  if (!strcmp(calls, "preadv2"))
    return preadv2(fd, parts, message.msg_iovlen, -1, 0);
  if (!strcmp(calls, "recvmsg"))
    return recvmsg(fd, &message, 0);
  if (!strcmp(calls, "recvmmsg")) {
    struct mmsghdr messages[3] = {0};
    struct sockaddr_storage names[3];
    struct iovec one[3] = {parts[0], parts[2], parts[3]};
    for (int i = 0; i < 3; i++) {
      if (datagrams) /* each has room for any */
        one[i] = (struct iovec){malloc(2048), 2048};
      messages[i].msg_hdr = (struct msghdr){
          .msg_name = &names[i], .msg_namelen = sizeof names[i], .msg_iov = &one[i], .msg_iovlen = 1};
    }
    int got = recvmmsg(fd, messages, 3, MSG_WAITFORONE, NULL);
    ssize_t total = 0;
    /* Packed, so that the next call goes on behind. */
    for (int i = 0; i < got; i++) {
      memmove(bytes + total, one[i].iov_base, messages[i].msg_len);
      total += messages[i].msg_len;
    }
    return got < 0 ? -1 : total;
  }
  return read(fd, bytes, size);
}

static void send_all(int fd, const char *calls, size_t size, struct sockaddr *to, socklen_t length) {
  unsigned char *bytes = pattern(size);
  for (size_t sent = 0; sent < size;) {
    ssize_t count = send_some(fd, calls, bytes + sent, size - sent, to, length);
    if (count <= 0)
      fail("send");
    sent += count;
  }
  free(bytes);
}

static void receive_all(int fd, const char *calls, size_t size) {
  unsigned char *bytes = malloc(size ? size : 1), *expected = pattern(size);
  size_t got = 0;
  while (got < size) {
    ssize_t count = receive_some(fd, calls, bytes + got, size - got);
    if (count <= 0)
      fail("receive");
    got += count;
  }
  if (memcmp(bytes, expected, size)) {
    fprintf(stderr, "received other bytes\n");
    exit(3);
  }
  free(bytes);
  free(expected);
}

static socklen_t address_of(struct sockaddr_storage *to, int family, int port) {
  memset(to, 0, sizeof *to);
  if (family == 6) {
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    six->sin6_addr = in6addr_loopback;
    return sizeof *six;
  }
  struct sockaddr_in *four = (struct sockaddr_in *)to;
  four->sin_family = AF_INET;
  four->sin_port = htons(port);
  four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return sizeof *four;
}

static int run(int count, char **words);

static void *run_thread(void *words) {
  char **first = words;
  int count = 0;
  while (first[count])
    count++;
  exit(run(count, first));
}

static int run(int count, char **words) {
  if (count >= 2 && !strcmp(words[0], "env")) {
    static char block[4 << 20];
    static char *list[1 << 18];
    size_t length = 0, entries = 0;
    ssize_t got;
    while ((got = read(0, block + length, sizeof block - 1 - length)) > 0)
      length += got;
    for (size_t at = 0; at < length; at += strlen(block + at) + 1)
      list[entries++] = block + at;
    execve(words[1], words + 1, list);
    fail("execve");
  }
  if (count >= 2 && !strcmp(words[0], "bare")) {
    char *none[] = {NULL};
    execve(words[1], words + 1, none);
    fail("execve");
  }
  if (count >= 2 && !strcmp(words[0], "fork")) {
    pid_t child = fork();
    if (child == 0)
      exit(run(count - 1, words + 1));
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
  }
  if (count >= 2 && !strcmp(words[0], "thread")) {
    pthread_t thread;
    pthread_create(&thread, NULL, run_thread, words + 1);
    pthread_join(thread, NULL);
    return 0;
  }
  if (count != 5) {
    fprintf(stderr, "see the head of socket-calls.c\n");
    return 2;
  }
  int family = atoi(words[1]), port = atoi(words[2]);
  const char *calls = words[3];
  size_t size = strtoul(words[4], NULL, 10);
  int domain = family == 6 ? AF_INET6 : AF_INET;
  struct sockaddr_storage address;
  socklen_t length = address_of(&address, family, port);
  if (!strcmp(words[0], "client")) {
    int fd = socket(domain, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, length))
      fail("connect");
    send_all(fd, calls, size, NULL, 0);
    receive_all(fd, calls, size);
    close(fd);
  } else if (!strcmp(words[0], "server")) {
    int listener = socket(domain, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 8) ||
        getsockname(listener, (struct sockaddr *)&address, &length))
      fail("listen");
    printf("port %d\n", ntohs(((struct sockaddr_in *)&address)->sin_port));
    fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    receive_all(fd, calls, size);
    send_all(fd, calls, size, NULL, 0);
    shutdown(fd, SHUT_WR);
    char last;
    if (recv(fd, &last, 1, 0) != 0)
      fail("last");
    close(fd);
  } else if (!strcmp(words[0], "udp")) {
    char plain[32];
    snprintf(plain, sizeof plain, "%s", calls);
    size_t end = strlen(plain) - 1;
    int connected = plain[end] == '+';
    datagrams = 1;
    if (connected)
      plain[end] = 0;
    int fd = socket(domain, SOCK_DGRAM, 0);
    if (connected && connect(fd, (struct sockaddr *)&address, length))
      fail("connect");
    send_all(fd, plain, size, connected ? NULL : (struct sockaddr *)&address, length);
    receive_all(fd, plain, size);
    close(fd);
  } else {
    return 2;
  }
  return 0;
}

int main(int count, char **words) { return run(count - 1, words + 1); }
