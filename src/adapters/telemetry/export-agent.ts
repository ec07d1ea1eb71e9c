// Connections to a collector. Each is ended once a request on it has taken as long as an export may: the exporters bound only the
// silence on a connection, and whoever answers by single bytes is never silent.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';

const TOO_LONG = new Error('the collector did not answer in time');

/** @param withinMs of each request, from the connection or from its reuse to the end of the answer. */
export function exportAgent(withinMs: number): (protocol: string) => HttpAgent {
  return (protocol) =>
    protocol === 'http:'
      ? endingWithin(withinMs, new HttpAgent({ keepAlive: true }))
      : endingWithin(withinMs, new HttpsAgent({ keepAlive: true }));
}

function endingWithin<One extends HttpAgent>(withinMs: number, agent: One): One {
  const late = new WeakMap<Duplex, NodeJS.Timeout>();
  const rest = (socket: Duplex): void => clearTimeout(late.get(socket));
  const begin = (socket: Duplex): void => {
    rest(socket);
    late.set(
      socket,
      setTimeout(() => socket.destroy(TOO_LONG), withinMs),
    );
  };
  const connect = agent.createConnection.bind(agent);
  // Whether it is kept; the types of Node say otherwise.
  const keep = agent.keepSocketAlive.bind(agent) as unknown as (socket: Duplex) => boolean;
  const reuse = agent.reuseSocket.bind(agent);
  agent.createConnection = (...given) => {
    const socket = connect(...given);
    if (socket) begin(socket.once('close', () => rest(socket)));
    return socket;
  };
  const kept = (socket: Duplex): boolean => {
    rest(socket);
    return keep(socket);
  };
  agent.keepSocketAlive = kept;
  agent.reuseSocket = (socket, request) => {
    begin(socket);
    reuse(socket, request);
  };
  return agent;
}
