// What is known of the connection that a request came on, from what @hono/node-server hands to each request as its environment.
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { sourceOf } from '../../domain/identity/source.ts';

/** IPv4 addresses also match where a socket spells them in IPv6 (`::ffff:127.0.0.1`). */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** The certificate that it shows, if the listener verified it. */
export function certificateOn(environment: unknown): { readonly der: Uint8Array; readonly sha256: string } | undefined {
  const socket = socketOf(environment);
  const leaf = socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return leaf && { der: leaf.raw, sha256: leaf.fingerprint256 };
}

/** Where it comes from, as `sourceOf` spells it. */
export function sourceOn(environment: unknown): string {
  const { remoteAddress = 'unknown', remotePort = '' } = socketOf(environment);
  return sourceOf(`${remoteAddress}:${remotePort}`);
}

/** By which name or address the server was asked: the `Host` header without its port, brackets and last dot, in lower case. */
export function hostOf(environment: unknown): string {
  const { host = '' } = (environment as { readonly incoming: IncomingMessage }).incoming.headers;
  const [, bracketed, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (bracketed ?? name).toLowerCase().replace(/\.$/, '');
}

/** Whether both its ends are loopback addresses: it never left this machine, or this pod. */
export function isOnLoopback(environment: unknown): boolean {
  const { localAddress, remoteAddress } = socketOf(environment);
  return [localAddress, remoteAddress].every(isLoopback);
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function socketOf(environment: unknown): Socket {
  return (environment as { readonly incoming: IncomingMessage }).incoming.socket;
}
