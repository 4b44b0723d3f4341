/*
 * The floor under bench/sweep.ts: the least that a program can do to ping COUNT neighbouring IPv4 addresses from FIRST on,
 * once, as fast as the kernel takes it. One raw socket with the options of the library's, 256 messages a system call,
 * answers read after each batch and told by their identifier, nothing remembered but which host has answered.
 *
 *     cc -O2 -o sweep sweep.c && ./sweep 127.1.0.1 65534 [plain]
 *
 * With `plain` the socket is left to choose IP identifications, as an ordinary program's is.
 *
 * Prints sent, answered, seconds from the first send to the last answer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 256
#define PACKET 64
#define ROOM 2112
#define CONTROL 64

static struct mmsghdr out[BATCH], in[BATCH];
static struct iovec out_vectors[BATCH], in_vectors[BATCH];
static struct sockaddr_in names[BATCH];
static uint8_t packets[BATCH][PACKET], rooms[BATCH][ROOM], controls[BATCH][CONTROL];
static uint8_t *seen;
static uint32_t first, count;
static uint16_t identifier;
static long answered;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static uint16_t checksum(const uint8_t *bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t at = 0; at < length; at += 2) sum += (uint32_t)bytes[at] << 8 | bytes[at + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

/* Reads what has arrived; returns how many messages there were. */
static int drain(int fd) {
  int total = 0;
  for (;;) {
    int got = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);
    for (int index = 0; index < got; index++) {
      const uint8_t *packet = rooms[index];
      size_t header = (packet[0] & 15) * 4;
      in[index].msg_hdr.msg_controllen = CONTROL;
      if (in[index].msg_len < header + PACKET || packet[header] != ICMP_ECHOREPLY) continue;
      if (checksum(packet + header, PACKET) != 0) continue;
      uint32_t host;
      memcpy(&host, packet + 12, 4);
      uint32_t offset = ntohl(host) - first;
      if (offset >= count || seen[offset]) continue;
      seen[offset] = 1;
      answered++;
    }
    if (got > 0) total += got;
    if (got < BATCH) return total;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  first = ntohl(inet_addr(argv[1]));
  count = strtoul(argv[2], NULL, 10);
  identifier = getpid();
  seen = calloc(count, 1);

  int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
  if (fd < 0) return perror("socket"), 1;
  struct icmp_filter types = {~(1u << ICMP_ECHOREPLY | 1u << ICMP_DEST_UNREACH | 1u << ICMP_TIME_EXCEEDED)};
  setsockopt(fd, SOL_RAW, ICMP_FILTER, &types, sizeof types);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  int buffer = 64 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  int stamps = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);

  int discovery = IP_PMTUDISC_PROBE;
  if (argc < 4) setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discovery, sizeof discovery);

  for (int index = 0; index < BATCH; index++) {
    names[index].sin_family = AF_INET;
    out_vectors[index] = (struct iovec){packets[index], PACKET};
    out[index].msg_hdr = (struct msghdr){&names[index], sizeof names[index], &out_vectors[index], 1, NULL, 0, 0};
    in_vectors[index] = (struct iovec){rooms[index], ROOM};
    in[index].msg_hdr = (struct msghdr){NULL, 0, &in_vectors[index], 1, controls[index], CONTROL, 0};
  }

  double start = now();
  uint32_t next = 0;
  while (next < count) {
    int filled = 0;
    for (; filled < BATCH && next + filled < count; filled++) {
      uint8_t *packet = packets[filled];
      names[filled].sin_addr.s_addr = htonl(first + next + filled);
      struct icmphdr header = {ICMP_ECHO};
      header.un.echo.id = htons(identifier);
      header.un.echo.sequence = htons(next + filled);
      memcpy(packet, &header, sizeof header);
      uint16_t sum = htons(checksum(packet, PACKET));
      memcpy(packet + 2, &sum, 2);
    }
    int done = 0;
    while (done < filled) {
      int sent = sendmmsg(fd, out + done, filled - done, MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) return perror("sendmmsg"), 1;
      if (sent > 0) done += sent;
      drain(fd);
    }
    next += filled;
  }
  double last = now();
  while (answered < count && now() - last < 0.2) {
    struct pollfd ready = {fd, POLLIN, 0};
    poll(&ready, 1, 10);
    if (drain(fd) > 0) last = now();
  }
  double end = answered == count ? now() : last;
  printf("%u %ld %.6f\n", next, answered, end - start);
  return 0;
}
