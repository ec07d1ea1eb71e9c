// What a server shows in a TLS handshake, without asking it for anything: for whoever wants to know why clients do not come through.
import { once } from 'node:events';
import type { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { codeOf } from '../../../domain/text/system-error.ts';

export interface ServedChain {
  /** Leaf first; empty when nothing answered. */
  readonly chain: readonly X509Certificate[];
  /** Why nothing answered. */
  readonly problem?: string;
}

const WITHIN_MS = 5_000;
/** Longer than any chain that a peer accepts. */
const MAX_CHAIN = 10;

/** Nothing is verified and nothing is sent. @param name of the server, for SNI. */
export async function probeServing(
  { host, port }: { readonly host: string; readonly port: number },
  name: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<ServedChain> {
  signal.throwIfAborted();
  const within = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
  const socket = connect({ host, port, servername: name, ALPNProtocols: ['h2'], rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal: within });
    const chain: X509Certificate[] = [];
    let next = socket.getPeerX509Certificate();
    while (next !== undefined && chain.length < MAX_CHAIN) {
      chain.push(next);
      next = next.issuerCertificate;
    }
    return { chain };
  } catch (cause) {
    signal.throwIfAborted();
    return { chain: [], problem: problemOf(cause) };
  } finally {
    socket.destroy();
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such name',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was closed in the handshake',
  EHOSTUNREACH: 'there is no way to that host',
  ABORT_ERR: `no answer within ${WITHIN_MS / 1_000} s`,
};

function problemOf(cause: unknown): string {
  const code = codeOf(cause) ?? 'no TLS';
  return PROBLEMS[code] ?? `the handshake fails (${code})`;
}
