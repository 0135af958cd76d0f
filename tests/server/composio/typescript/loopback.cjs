// Loaded before a program: nothing is reached but loopback, and each attempt is written down on standard error.
const dns = require("node:dns");
const net = require("node:net");

const HOME = ["127.0.0.1", "::1", "localhost"];

function check(host) {
  if (host && !HOME.includes(host)) {
    process.stderr.write(`REFUSED ${host}\n`);
    throw new Error(`a test must not reach ${host}`);
  }
}

for (const owner of [dns, dns.promises]) {
  const lookup = owner.lookup;
  owner.lookup = (host, ...more) => {
    check(host);
    return lookup.call(owner, host, ...more);
  };
}
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const [options] = Array.isArray(given[0]) ? given[0] : given;
  check(typeof options === "object" ? options.host : typeof given[1] === "string" ? given[1] : undefined);
  return connect.apply(this, given);
};
