// SPDX-License-Identifier: Apache-2.0
/*
 * Connections that close all the time, both ends held by a process that neither connected nor accepted them.
 *
 * The program that is started connects and accepts, and hands both descriptors (SCM_RIGHTS) to itself, executed again
 * with ADI_PROFILE set. That one shuts down the sending halves, in turn the client's and the server's first, and closes
 * both a few connections later. Prints "port N pid N", of the listener and the one with the descriptors; ends after
 * argv[1] milliseconds. argv: <milliseconds>.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PASSED_TO = 3, OPEN = 16 };

static struct msghdr pair_message(char *space, size_t size, struct iovec *byte) {
  struct msghdr message = {.msg_iov = byte, .msg_iovlen = 1, .msg_control = space, .msg_controllen = size};
  return message;
}

static int close_them(void) {
  int held[OPEN][2] = {0};
  char space[CMSG_SPACE(2 * sizeof(int))], data;
  for (unsigned n = 0;; n++) {
    struct iovec byte = {&data, 1};
    struct msghdr message = pair_message(space, sizeof space, &byte);
    if (recvmsg(PASSED_TO, &message, 0) <= 0)
      return 0;
    int *ends = held[n % OPEN];
    if (n >= OPEN) {
      close(ends[0]);
      close(ends[1]);
    }
    memcpy(ends, CMSG_DATA(CMSG_FIRSTHDR(&message)), 2 * sizeof(int));
    /* The one before: it was open for a while. */
    int *before = held[(n + OPEN - OPEN / 2) % OPEN];
    if (n >= OPEN) {
      shutdown(before[n & 1], SHUT_WR);
      shutdown(before[~n & 1], SHUT_WR);
    }
  }
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int count, char **words) {
  if (count < 2)
    return close_them();
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pair[2];
  if (bind(listener, (void *)&address, length) || listen(listener, 8) ||
      getsockname(listener, (void *)&address, &length) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
    return 1;
  pid_t child = fork();
  if (child == 0) {
    close(pair[0]);
    if (dup2(pair[1], PASSED_TO) < 0)
      return 1;
    execle("/proc/self/exe", words[0], (char *)0, (char *[]){"ADI_PROFILE=local", 0});
    return 1;
  }
  close(pair[1]);
  printf("port %d pid %d\n", ntohs(address.sin_port), child);
  fflush(stdout);
  for (long end = now_ms() + atol(words[1]); now_ms() < end;) {
    int ends[2] = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (connect(ends[0], (void *)&address, length) || (ends[1] = accept4(listener, 0, 0, SOCK_CLOEXEC)) < 0) {
      perror("connect");
      return 1;
    }
    char space[CMSG_SPACE(sizeof ends)] = {0};
    struct iovec byte = {"", 1};
    struct msghdr message = pair_message(space, sizeof space, &byte);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof ends);
    memcpy(CMSG_DATA(rights), ends, sizeof ends);
    if (sendmsg(pair[0], &message, 0) < 0)
      return 1;
    close(ends[0]);
    close(ends[1]);
  }
  close(pair[0]);
  int status;
  return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
