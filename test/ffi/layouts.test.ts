import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as linux from "../../src/ffi/constants.ts";
import { describeIf, requires } from "../support/requires.ts";

const HEADERS = [
  "sys/socket.h",
  "netinet/in.h",
  "linux/errqueue.h",
  "linux/net_tstamp.h",
  "linux/icmp.h",
  "linux/icmpv6.h",
  "linux/filter.h",
  "linux/rtnetlink.h",
  "linux/neighbour.h",
  "linux/pkt_sched.h",
  "fcntl.h",
  "netdb.h",
  "signal.h",
  "poll.h",
  "time.h",
];

/** Our layout table, the C type, and the C field of each offset. */
const LAYOUTS: readonly [
  Readonly<Record<string, number>>,
  string,
  Readonly<Record<string, string>>,
][] = [
  [
    linux.SOCKADDR_IN,
    "struct sockaddr_in",
    { family: "sin_family", port: "sin_port", address: "sin_addr" },
  ],
  [
    linux.SOCKADDR_IN6,
    "struct sockaddr_in6",
    {
      family: "sin6_family",
      port: "sin6_port",
      flowinfo: "sin6_flowinfo",
      address: "sin6_addr",
      scopeId: "sin6_scope_id",
    },
  ],
  [linux.IOVEC, "struct iovec", { base: "iov_base", length: "iov_len" }],
  [
    linux.MSGHDR,
    "struct msghdr",
    {
      name: "msg_name",
      nameLength: "msg_namelen",
      iov: "msg_iov",
      iovLength: "msg_iovlen",
      control: "msg_control",
      controlLength: "msg_controllen",
      flags: "msg_flags",
    },
  ],
  [linux.MMSGHDR, "struct mmsghdr", { header: "msg_hdr", length: "msg_len" }],
  [linux.CMSGHDR, "struct cmsghdr", { length: "cmsg_len", level: "cmsg_level", type: "cmsg_type" }],
  [
    linux.IN_PKTINFO,
    "struct in_pktinfo",
    { interfaceIndex: "ipi_ifindex", localAddress: "ipi_spec_dst", address: "ipi_addr" },
  ],
  [
    linux.IN6_PKTINFO,
    "struct in6_pktinfo",
    { address: "ipi6_addr", interfaceIndex: "ipi6_ifindex" },
  ],
  [
    linux.SOCK_EXTENDED_ERR,
    "struct sock_extended_err",
    {
      errno: "ee_errno",
      origin: "ee_origin",
      type: "ee_type",
      code: "ee_code",
      info: "ee_info",
      data: "ee_data",
    },
  ],
  [
    linux.GAICB,
    "struct gaicb",
    { name: "ar_name", service: "ar_service", request: "ar_request", result: "ar_result" },
  ],
  [
    linux.ADDRINFO,
    "struct addrinfo",
    {
      family: "ai_family",
      socketType: "ai_socktype",
      addressLength: "ai_addrlen",
      address: "ai_addr",
      next: "ai_next",
    },
  ],
  [linux.TIMESPEC, "struct timespec", { seconds: "tv_sec", nanoseconds: "tv_nsec" }],
  [
    linux.NLMSGHDR,
    "struct nlmsghdr",
    { length: "nlmsg_len", type: "nlmsg_type", flags: "nlmsg_flags" },
  ],
  [linux.RTATTR, "struct rtattr", { length: "rta_len", type: "rta_type" }],
  [linux.NDTMSG, "struct ndtmsg", { family: "ndtm_family" }],
  [linux.NDT_STATS, "struct ndt_stats", { tableFulls: "ndts_table_fulls" }],
  [linux.TCMSG, "struct tcmsg", {}],
  [linux.TC_STATS, "struct tc_stats", { drops: "drops" }],
  [linux.POLLFD, "struct pollfd", { fd: "fd", events: "events", revents: "revents" }],
  [linux.SOCK_FPROG, "struct sock_fprog", { length: "len", filter: "filter" }],
  [linux.SOCK_FILTER, "struct sock_filter", { code: "code", jt: "jt", jf: "jf", k: "k" }],
];

/** Names that C spells differently, or does not export to programs. */
const C_NAMES: Readonly<Record<string, string>> = {
  PMTUDISC_DONT: "IP_PMTUDISC_DONT",
  PMTUDISC_WANT: "IP_PMTUDISC_WANT",
  PMTUDISC_DO: "IP_PMTUDISC_DO",
  PMTUDISC_PROBE: "IP_PMTUDISC_PROBE",
  PMTUDISC_OMIT: "IP_PMTUDISC_OMIT",
};

describeIf(requires.all(requires.linux(), requires.command("cc")), "what a C compiler says", () => {
  const numbers = Object.entries(linux).flatMap(([name, value]): [string, number][] =>
    typeof value === "number" ? [[name, value]] : [],
  );
  const expressions = [
    ...LAYOUTS.flatMap(([layout, type, fields]) =>
      Object.keys(layout).map((field) =>
        field === "size" ? `sizeof(${type})` : `offsetof(${type}, ${fields[field]})`,
      ),
    ),
    ...numbers.map(([name]) => C_NAMES[name] ?? name),
  ];
  const answers = compileAndRun(expressions);

  test.each(LAYOUTS.map(([layout, type, fields]) => [type, layout, fields] as const))(
    "%s",
    (type, layout, fields) => {
      const said = Object.keys(layout).map((field): [string, number | undefined] => [
        field,
        answers.get(field === "size" ? `sizeof(${type})` : `offsetof(${type}, ${fields[field]})`),
      ]);
      expect(Object.fromEntries(said)).toEqual({
        ...(layout as Record<string, number | undefined>),
      });
    },
  );

  test("every other constant", () => {
    expect(numbers.length).toBeGreaterThan(60);
    const said = numbers.map(([name]): [string, number | undefined] => [
      name,
      answers.get(C_NAMES[name] ?? name),
    ]);
    expect(said).toEqual(numbers);
  });
});

function compileAndRun(expressions: readonly string[]): Map<string, number> {
  const folder = mkdtempSync(join(tmpdir(), "icmpx-layouts-"));
  try {
    const includes = HEADERS.map((header) => `#include <${header}>`).join("\n");
    const prints = expressions.map((text) => `printf("%ld\\n", (long)(${text}));`).join("\n");
    const program = `#define _GNU_SOURCE\n#include <stdio.h>\n#include <stddef.h>\n${includes}\nint main(void) {\n${prints}\nreturn 0;\n}\n`;
    writeFileSync(join(folder, "layouts.c"), program);
    const compiled = Bun.spawnSync([
      "cc",
      "-o",
      join(folder, "layouts"),
      join(folder, "layouts.c"),
    ]);
    if (!compiled.success) throw new Error(compiled.stderr.toString());
    const lines = Bun.spawnSync([join(folder, "layouts")])
      .stdout.toString()
      .trim()
      .split("\n");
    return new Map(expressions.map((text, index) => [text, Number(lines[index])]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
