import { expect, test } from "bun:test";
import { targetField } from "../../tui/src/model/fields.ts";

const { check } = targetField("target", "Target");

test.each([
  ["192.0.2.1", null],
  ["fe80::1%eth0", null],
  ["example.org", null],
  ["a-1.example", null],
  ["10.0.0.0/8", "need one host: MultiPing takes networks and ranges"],
  ["10.0.0.0/99", "need one host: MultiPing takes networks and ranges"],
  ["10.0.0.1/32", "need one host: MultiPing takes networks and ranges"],
  ["192.0.2.1-9", "need one host: MultiPing takes networks and ranges"],
  ["2001:db8::/64", "need one host: MultiPing takes networks and ranges"],
  ["10.0.0.256", "10.0.0.256 is no address"],
  ["fe80:::1", "fe80:::1 is no address"],
  ["a b", "need one host name or address, without spaces"],
  ["", "need a host name or an address"],
])("a target field says of %j: %p", (text, remark) => {
  expect(check(text)).toBe(remark);
});
