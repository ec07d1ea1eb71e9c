// A line of our own in the log of a server: it reports a connection to its TLS port that speaks no TLS, with our address. What it
// reported before stands before that line.
import { once } from 'node:events';
import { connect } from 'node:net';

/** Until the server has closed it. */
const KNOCK_MS = 30_000;

/** @returns our address, as the server's event `connectionRefused` has it. */
export async function knock(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    const from = `${socket.localAddress}:${socket.localPort}`;
    const signal = AbortSignal.timeout(KNOCK_MS);
    // The server may reset it: it was refused all the same.
    const closed = once(socket, 'close', { signal }).catch(() => signal.throwIfAborted());
    socket.write('GET / HTTP/1.1\r\n\r\n');
    socket.resume();
    await closed;
    return from;
  } finally {
    socket.destroy();
  }
}
