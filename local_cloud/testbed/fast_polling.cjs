// Given to the CDK CLI's Node.js by --require. The CLI looks at a stack every five seconds, which suits AWS, where one takes
// minutes; on the local cloud one takes two seconds, and the rest would be waiting. No other timer has that length.
"use strict";

const POLLING = 5000;
const FAST = 200;

const stock = globalThis.setTimeout;
globalThis.setTimeout = Object.assign(
  (callback, delay, ...rest) => stock(callback, delay === POLLING ? FAST : delay, ...rest),
  stock, // util.promisify finds its own version of setTimeout on it
);
