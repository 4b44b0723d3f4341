/*
 * The floor under bench/latency.ts and bench/flood.ts: COUNT echo requests to TARGET, each sent when the one before is answered and
 * PAUSE microseconds have passed. One raw socket that the kernel filters; sendto, poll, recvfrom, and nothing else.
 *
 *     cc -O2 -o latency latency.c && ./latency 127.0.0.1 10000 0
 *
 * Prints what bench/support/probe-child.ts prints.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET 64
#define TIMEOUT_MS 1000

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static double cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static uint16_t checksum(const uint8_t *bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t at = 0; at < length; at += 2) sum += (uint32_t)bytes[at] << 8 | bytes[at + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  struct sockaddr_in target = {AF_INET, 0, {inet_addr(argv[1])}, {0}};
  long count = strtol(argv[2], NULL, 10), pause = strtol(argv[3], NULL, 10), received = 0;
  uint16_t identifier = getpid();
  double *waits = calloc(count, sizeof *waits);

  int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
  if (fd < 0) return perror("socket"), 1;
  struct icmp_filter types = {~(1u << ICMP_ECHOREPLY)};
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

  double begun = now_us(), cpu = cpu_us(), paused = 0;
  for (long index = 0; index < count; index++) {
    if (pause > 0) {
      double from = now_us();
      usleep(pause);
      paused += now_us() - from;
    }
    uint8_t packet[PACKET] = {0}, reply[2048];
    double sent = now_us();
    struct icmphdr header = {ICMP_ECHO};
    header.un.echo.id = htons(identifier);
    header.un.echo.sequence = htons(index);
    memcpy(packet, &header, sizeof header);
    uint16_t sum = htons(checksum(packet, PACKET));
    memcpy(packet + 2, &sum, 2);
    if (sendto(fd, packet, PACKET, 0, (struct sockaddr *)&target, sizeof target) < 0) return perror("sendto"), 1;
    for (;;) {
      struct pollfd ready = {fd, POLLIN, 0};
      if (poll(&ready, 1, TIMEOUT_MS) == 0) break;
      if (recvfrom(fd, reply, sizeof reply, 0, NULL, NULL) < 28) continue;
      memcpy(&header, reply + (reply[0] & 15) * 4, sizeof header);
      if (ntohs(header.un.echo.sequence) != (uint16_t)index) continue;
      waits[received++] = now_us() - sent;
      break;
    }
  }
  double wall = now_us() - begun - paused;
  cpu = cpu_us() - cpu;
  qsort(waits, received, sizeof *waits, ascending);
  double at[3] = {0.5, 0.9, 0.99}, quantiles[3] = {0};
  for (int index = 0; index < 3 && received > 0; index++) quantiles[index] = waits[(long)(at[index] * received)];
  printf("{\"sent\":%ld,\"received\":%ld,\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"median\":%.2f,\"p90\":%.2f,\"p99\":%.2f}\n",
         count, received, wall / 1e6, cpu / 1e6, quantiles[0], quantiles[1], quantiles[2]);
  return 0;
}
