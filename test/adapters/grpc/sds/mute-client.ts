// A client that opens one stream and never says a word again, not even to a ping: HTTP/2 by hand, because every
// library answers pings by itself.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [SETTINGS, HEADERS] = [4, 1];
const [ACK, END_HEADERS] = [1, 4];

/** @returns the connection, once the server has answered it. */
export async function openMutely(socketPath: string): Promise<Socket> {
  const socket = connect(socketPath);
  socket.on('error', () => undefined);
  const fields = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets',
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const block = Buffer.concat(Object.entries(fields).map(literal));
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0)]));
  socket.write(frame(HEADERS, END_HEADERS, 1, block));
  await once(socket, 'data');
  return socket;
}

/** RFC 9113 section 4.1. */
function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541 section 6.2.2, without Huffman coding; of fewer than 127 bytes each. */
function literal([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}
