// SPDX-License-Identifier: Apache-2.0
/*
 * One process with both ends of a TCP connection to itself, driven by single characters on stdin:
 *   c  the client end sends 1000 bytes and the server end receives them
 *   s  the server end sends 1000 bytes and the client end receives them
 *   f  both ends' descriptors are closed, then one number is used again for a file that is written to and read from
 *   h  the client end shuts down its sending half
 *   q  end
 * After each, prints a line. argv: <4|6>.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static char bytes[1000];

static void move(int from, int to) {
  if (write(from, bytes, sizeof bytes) != sizeof bytes)
    exit(1);
  for (size_t got = 0; got < sizeof bytes;) {
    ssize_t count = read(to, bytes + got, sizeof bytes - got);
    if (count <= 0)
      exit(1);
    got += count;
  }
}

int main(int count, char **words) {
  int family = count > 1 && words[1][0] == '6' ? AF_INET6 : AF_INET;
  struct sockaddr_storage address = {.ss_family = family};
  socklen_t length = sizeof address;
  if (family == AF_INET6)
    ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
  else
    ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(family, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1) ||
      getsockname(listener, (struct sockaddr *)&address, &length))
    return 1;
  int client = socket(family, SOCK_STREAM, 0);
  /* Bound by bind, as a listener is: only what TCP counted tells the two apart. */
  struct sockaddr_storage own = address;
  ((struct sockaddr_in *)&own)->sin_port = 0;
  if (bind(client, (struct sockaddr *)&own, length) || connect(client, (struct sockaddr *)&address, length))
    return 1;
  int server = accept(listener, 0, 0);
  memset(bytes, 'p', sizeof bytes);
  printf("port %d\n", ntohs(((struct sockaddr_in *)&address)->sin_port));
  fflush(stdout);
  for (int word; (word = getchar()) != EOF;) {
    if (word == 'c')
      move(client, server);
    else if (word == 's')
      move(server, client);
    else if (word == 'h')
      shutdown(client, SHUT_WR);
    else if (word == 'q')
      return 0;
    else if (word == 'f') {
      close(client);
      close(server);
      int file = memfd_create("file", 0);
      if (dup2(file, client) != client || write(client, "file content", 12) != 12 || lseek(client, 0, SEEK_SET) ||
          read(client, bytes, 12) != 12)
        return 1;
    } else
      continue;
    printf("done %c\n", word);
    fflush(stdout);
  }
  return 0;
}
