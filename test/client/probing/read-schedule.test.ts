import { expect, test } from "bun:test";
import { Prober } from "../../../src/client/probing/prober.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { briefly, openBenchStream } from "../../support/fake-prober.ts";
import { echoArrival, FakeTransport } from "../../support/fake-transport.ts";

function probing() {
  const clock = new FakeClock();
  const transport = new FakeTransport();
  const prober = new Prober(transport, clock, 1);
  const open = (patienceMs: number) =>
    openBenchStream(prober, { destination: "198.51.100.1", timeoutMs: 1000, patienceMs });
  /** Lets the answer to the latest probe wait to be read, as if it had come just now. */
  const answer = (): void => {
    const send = transport.sent.at(-1);
    if (send === undefined) throw new Error("Nothing was sent");
    transport.queue(echoArrival(send, { stampNs: clock.realtimeNs() }));
  };
  return { clock, transport, prober, open, answer };
}

test("answers that the socket does not tell of are read when the patience of the least patient is over", async () => {
  const { clock, transport, open, answer } = probing();
  const patient = open(100);
  patient.send();
  expect(transport.isTold).toBe(false);
  // So soon after the first that its send does not read.
  await clock.advance(2);
  const lessPatient = open(20);
  lessPatient.send();
  answer();
  await clock.advance(20);
  expect(lessPatient.results.map(briefly)).toEqual(["#1 reply 0 ms from 198.51.100.1"]);
});

test("the socket tells while anybody has no patience, and when nobody is left", async () => {
  const { transport, open } = probing();
  const patient = open(100);
  expect(transport.isTold).toBe(false);
  const impatient = open(0);
  expect(transport.isTold).toBe(true);
  impatient.stream.close();
  impatient.stream.close();
  expect(transport.isTold).toBe(false);
  patient.stream.close();
  patient.stream.close();
  expect(transport.isTold).toBe(true);
});

test("a stream that is opened and closed while results are handed out changes nothing", async () => {
  const { clock, transport, prober, open, answer } = probing();
  const patient = openBenchStream(prober, {
    destination: "198.51.100.1",
    patienceMs: 20,
    onResult: () => open(0).stream.close(),
  });
  patient.send();
  answer();
  await clock.advance(20);
  expect(patient.results).toHaveLength(1);
  expect(transport.isTold).toBe(false);
  patient.send();
  answer();
  await clock.advance(20);
  expect(patient.results).toHaveLength(2);
});

test("no timer waits when nothing is in flight, nor after the end", async () => {
  const { clock, prober, open, answer } = probing();
  const patient = open(20);
  expect(clock.pending).toBe(0);
  patient.send();
  answer();
  await clock.advance(20);
  expect(patient.results).toHaveLength(1);
  expect(clock.pending).toBe(0);
  patient.send();
  prober.close();
  patient.stream.close();
  expect(clock.pending).toBe(0);
});

test("a stream that is opened when all is closed asks nothing of the socket", () => {
  const { transport, prober, open } = probing();
  open(20);
  prober.close();
  const late = open(0);
  expect(transport.isTold).toBe(false);
  late.send();
  late.stream.close();
  expect(transport.isTold).toBe(false);
});
