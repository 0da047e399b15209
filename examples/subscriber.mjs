// Prints every frame that passes on the bus, and checks that the picture is the one its header names.
//
//   cd examples && npm ci
//   node subscriber.mjs ipc:///tmp/parafovea-1000/frames     (`parafovea bus` prints your address)
//
// Everything used here is in docs/bus.md.

import { createHash } from "node:crypto";
import { Subscriber } from "zeromq";

const address = process.argv[2] ?? "tcp://127.0.0.1:5550";
const subscriber = new Subscriber();
subscriber.connect(address);
subscriber.subscribe("frame|", "status|");
console.error(`listening on ${address}`);

// A subscriber that is slow, or came late, misses messages without a word. The numbers tell.
let epoch = null;
let last = -1;
function missed(header, expected) {
  const first = header.epoch !== epoch;
  const gap = first ? 0 : Math.max(0, expected - last);
  epoch = header.epoch;
  return gap;
}

for (const stop of ["SIGINT", "SIGTERM"]) process.on(stop, () => process.exit(0));

for await (const [topic, head, payload] of subscriber) {
  const header = JSON.parse(head.toString("utf8"));
  if (header.v !== 1) continue; // a newer protocol: better silent than wrong
  if (topic.toString() === "status|") {
    const gap = missed(header, header.last_seq);
    if (gap > 0) console.log(JSON.stringify({ missed: gap, before: header.last_seq + 1 }));
    last = header.last_seq;
    continue;
  }
  const gap = missed(header, header.seq - 1);
  if (gap > 0) console.log(JSON.stringify({ missed: gap, before: header.seq }));
  last = header.seq;
  const sha256 = createHash("sha256").update(payload).digest("hex");
  console.log(
    JSON.stringify({
      seq: header.seq,
      sector: header.target_sector,
      session: header.session_id,
      prompt: header.prompt,
      bytes: payload.length,
      genuine: sha256 === header.sha256,
    }),
  );
}
