// The bytes of an IP address as they stand in an iPAddress name (RFC 5280 section 4.2.1.6): four or
// sixteen. Only the operator's configuration names addresses, so this is off the hot path.

/** @param address IPv4, or IPv6 with or without `::` and a dotted tail (RFC 4291 section 2.2). Already validated. */
export function ipAddressBytes(address: string): Uint8Array {
  if (!address.includes(':')) return Uint8Array.from(quad(address));
  const [head = '', tail] = withoutDots(address).split('::');
  const left = words(head);
  const right = words(tail ?? '');
  const gap = tail === undefined ? [] : new Array<number>(8 - left.length - right.length).fill(0);
  return Uint8Array.from([...left, ...gap, ...right].flatMap((word) => [word >> 8, word & 0xff]));
}

/** `::ffff:192.0.2.1` in the form without dots. */
function withoutDots(address: string): string {
  return address.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = quad(dotted);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}

function quad(dotted: string): number[] {
  return dotted.split('.').map(Number);
}

function words(part: string): number[] {
  return part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
}
