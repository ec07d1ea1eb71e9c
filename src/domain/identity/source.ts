// Where a caller who has proven nothing comes from, as far as one party can be told from another by its
// address: an IPv4 address, or the /64 of an IPv6 address, of which any host has as many as it likes
// (RFC 4291 section 2.5.4).

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * @param remoteAddress `host:port` as listeners spell it, an IPv6 host with or without brackets; anything
 *   else, such as `unix:<path>`, is a source by itself.
 * @returns such as `192.0.2.1` or `2001:db8:0:1::/64`. An IPv4-mapped IPv6 address is the IPv4 address.
 */
export function sourceOf(remoteAddress: string): string {
  const host = hostOf(remoteAddress);
  if (host === undefined) return remoteAddress;
  if (!host.includes(':')) return host;
  return MAPPED.exec(host)?.[1] ?? `${network(host)}::/64`;
}

/** @returns the host of `host:port`: IPv4 as it is, also when it came IPv4-mapped; nothing when there is none. */
export function hostOf(remoteAddress: string): string | undefined {
  if (remoteAddress.startsWith('unix:')) return undefined;
  const port = remoteAddress.lastIndexOf(':');
  if (port <= 0) return undefined;
  const host = remoteAddress.slice(0, port).replace(/^\[|\]$|%.*$/g, '');
  return MAPPED.exec(host)?.[1] ?? host;
}

/** The first four of the eight words; a gap is at most one (RFC 4291 section 2.2). */
function network(host: string): string {
  const [head = '', tail] = host.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...gap, ...right].slice(0, 4).join(':');
}
