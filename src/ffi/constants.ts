// Numbers of the Linux kernel's interface, the same on x64 and arm64 and with glibc and musl.
// Structure layouts are tables of byte offsets; a test compares every one of them with what a C
// compiler says.

/** Address families (bits/socket.h). */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;

/** Socket types and the flags `socket()` takes with them (bits/socket_type.h). */
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0x800;
export const SOCK_CLOEXEC = 0x80000;

/** IP protocol numbers, which are also the option levels of that protocol (netinet/in.h). */
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;

/** Option levels that are no protocol (asm-generic/socket.h, bits/socket.h). */
export const SOL_SOCKET = 1;
export const SOL_RAW = 255;

/**
 * Socket level options (asm-generic/socket.h). A control message has the number of the option that
 * asks for it.
 */
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_BROADCAST = 6;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_TIMESTAMP = 29;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_MARK = 36;
export const SO_TIMESTAMPING = 37;
export const SO_RXQ_OVFL = 40;
export const SO_MEMINFO = 55;

/**
 * Where SO_MEMINFO has the bytes that the receive queue takes and may take, those that packets to
 * be sent take and may take, and the count of drops, in 32-bit words (linux/sock_diag.h).
 */
export const SK_MEMINFO = {
  words: 9,
  used: 0,
  limit: 1,
  sendUsed: 2,
  sendLimit: 3,
  drops: 8,
} as const;

/** IPv4 level options (linux/in.h). */
export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_HDRINCL = 3;
export const IP_PKTINFO = 8;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
export const IP_RECVTTL = 12;
export const IP_RECVTOS = 13;
export const IP_RECVERR_RFC4884 = 26;
export const IP_MULTICAST_TTL = 33;

/** IPv6 level options (linux/in6.h). */
export const IPV6_CHECKSUM = 7;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_RECVERR = 25;
export const IPV6_RECVERR_RFC4884 = 31;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_DONTFRAG = 62;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;

/**
 * Values of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER (linux/in.h): what to do about fragments and the
 * path MTU.
 */
export const PMTUDISC_DONT = 0;
export const PMTUDISC_WANT = 1;
export const PMTUDISC_DO = 2;
export const PMTUDISC_PROBE = 3;
export const PMTUDISC_OMIT = 5;

/**
 * Raw socket type filters: levels SOL_RAW and IPPROTO_ICMPV6; a set bit blocks (linux/icmp.h,
 * linux/icmpv6.h).
 */
export const ICMP_FILTER = 1;
export const ICMPV6_FILTER = 1;

/** Message flags (bits/socket.h). */
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;

/** SO_TIMESTAMPING flags (linux/net_tstamp.h). */
export const SOF_TIMESTAMPING_TX_SOFTWARE = 0x2;
export const SOF_TIMESTAMPING_RX_SOFTWARE = 0x8;
export const SOF_TIMESTAMPING_SOFTWARE = 0x10;
export const SOF_TIMESTAMPING_OPT_ID = 0x80;
export const SOF_TIMESTAMPING_OPT_CMSG = 0x400;
export const SOF_TIMESTAMPING_OPT_TSONLY = 0x800;

/** Who raised an error on the error queue: `ExtendedError.origin` (linux/errqueue.h). */
export const SO_EE_ORIGIN_LOCAL = 1;
export const SO_EE_ORIGIN_ICMP = 2;
export const SO_EE_ORIGIN_ICMP6 = 3;
export const SO_EE_ORIGIN_TIMESTAMPING = 4;

/**
 * Which moment a transmit timestamp is of: `ExtendedError.info` (linux/errqueue.h); SND is "handed
 * to the device".
 */
export const SCM_TSTAMP_SND = 0;
export const SCM_TSTAMP_SCHED = 1;

/** fcntl() commands and file status flags (asm-generic/fcntl.h). */
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_SETOWN = 8;
export const F_SETSIG = 10;
export const O_NONBLOCK = 0x800;
export const O_ASYNC = 0x2000;

/** Urgent data on a socket; ignored by default (asm-generic/signal.h). */
export const SIGURG = 23;

/** poll() events (asm-generic/poll.h). */
export const POLLIN = 0x1;
export const POLLERR = 0x8;
export const POLLNVAL = 0x20;

/** Clocks (linux/time.h). */
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;

/** Bytes of the name of an interface, the NUL at its end included (linux/if.h). */
export const IFNAMSIZ = 16;

/** `struct sockaddr_in` (linux/in.h); port and address are big-endian. */
export const SOCKADDR_IN = { size: 16, family: 0, port: 2, address: 4 } as const;

/** `struct sockaddr_in6` (linux/in6.h); the scope id is in host order. */
export const SOCKADDR_IN6 = {
  size: 28,
  family: 0,
  port: 2,
  flowinfo: 4,
  address: 8,
  scopeId: 24,
} as const;

/** `struct iovec` (bits/types/struct_iovec.h). */
export const IOVEC = { size: 16, base: 0, length: 8 } as const;

/**
 * `struct msghdr` (bits/socket.h); musl's 32-bit lengths and their padding read the same in little
 * endian.
 */
export const MSGHDR = {
  size: 56,
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
} as const;

/** `struct mmsghdr` (bits/socket.h): a `msghdr` and the byte count of that message. */
export const MMSGHDR = { size: 64, header: 0, length: 56 } as const;

/** `struct cmsghdr` (bits/socket.h); data follows, and the next one is aligned to 8. */
export const CMSGHDR = { size: 16, length: 0, level: 8, type: 12 } as const;

/** `struct in_pktinfo` (linux/in.h). */
export const IN_PKTINFO = { size: 12, interfaceIndex: 0, localAddress: 4, address: 8 } as const;

/** `struct in6_pktinfo` (linux/ipv6.h). */
export const IN6_PKTINFO = { size: 20, address: 0, interfaceIndex: 16 } as const;

/** `struct sock_extended_err` (linux/errqueue.h); the offender's `sockaddr` follows it. */
export const SOCK_EXTENDED_ERR = {
  size: 16,
  errno: 0,
  origin: 4,
  type: 5,
  code: 6,
  info: 8,
  data: 12,
} as const;

/** Netlink to the routing of the kernel (linux/netlink.h, linux/rtnetlink.h). */
export const NETLINK_ROUTE = 0;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const RTM_GETQDISC = 38;
export const RTM_GETNEIGHTBL = 66;
/** Attributes of tables of neighbours (linux/neighbour.h) and of queues (linux/rtnetlink.h). */
export const NDTA_STATS = 7;
export const TCA_STATS = 3;

/** `struct nlmsghdr` (linux/netlink.h). */
export const NLMSGHDR = { size: 16, length: 0, type: 4, flags: 6 } as const;
/** `struct rtattr` (linux/rtnetlink.h). */
export const RTATTR = { size: 4, length: 0, type: 2 } as const;
/** `struct ndtmsg` and `struct ndt_stats` (linux/neighbour.h). */
export const NDTMSG = { size: 4, family: 0 } as const;
export const NDT_STATS = { size: 88, tableFulls: 80 } as const;
/** `struct tcmsg` (linux/rtnetlink.h) and `struct tc_stats` (linux/pkt_sched.h). */
export const TCMSG = { size: 20 } as const;
export const TC_STATS = { size: 40, drops: 12 } as const;

/**
 * `struct timespec` (bits/types/struct_timespec.h); `scm_timestamping` is three of them, the first
 * by software.
 */
export const TIMESPEC = { size: 16, seconds: 0, nanoseconds: 8 } as const;

/** `struct timeval` (bits/types/struct_timeval.h): what SO_TIMESTAMP gives. */
export const TIMEVAL = { size: 16, seconds: 0, microseconds: 8 } as const;

/** `struct pollfd` (poll.h). */
export const POLLFD = { size: 8, fd: 0, events: 4, revents: 6 } as const;

/** `struct sock_fprog` and `struct sock_filter` (linux/filter.h). */
export const SOCK_FPROG = { size: 16, length: 0, filter: 8 } as const;
export const SOCK_FILTER = { size: 8, code: 0, jt: 2, jf: 3, k: 4 } as const;

/** `struct gaicb` (netdb.h): a lookup of getaddrinfo_a(3). */
export const GAICB = { size: 56, name: 0, service: 8, request: 16, result: 24 } as const;

/** `struct addrinfo` (netdb.h): what is asked for, and an address found. */
export const ADDRINFO = {
  size: 48,
  family: 4,
  socketType: 8,
  addressLength: 16,
  address: 24,
  next: 40,
} as const;
