// DER (X.690 section 10): a strict reader and a writer for the few shapes a CSR and a certificate
// have. The reader accepts one spelling only: definite, minimal lengths, single-byte tags, no rest.

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

/** Not well-formed DER, or not the shape that was expected. Caught where a reason code is chosen. */
export class DerError extends Error {}

/** Reads elements one after the other from `bytes[start..end)`. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  done(): boolean {
    return this.#at === this.#end;
  }

  /** The tag of the next element, or -1 at the end. */
  nextTag(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at] ?? -1) : -1;
  }

  /** Steps over one element of this tag and returns its contents. */
  read(tag: number, what: string): Uint8Array {
    const { start, end } = this.#step(tag, what);
    return this.#bytes.subarray(start, end);
  }

  /** Steps over one element of this tag and returns it whole, with tag and length. */
  readWhole(tag: number, what: string): Uint8Array {
    const first = this.#at;
    const { end } = this.#step(tag, what);
    return this.#bytes.subarray(first, end);
  }

  /** Steps over one element of this tag and returns a reader of its contents. */
  enter(tag: number, what: string): DerReader {
    const { start, end } = this.#step(tag, what);
    return new DerReader(this.#bytes, start, end);
  }

  /** @throws DerError unless everything was read. */
  finish(what: string): void {
    if (!this.done()) throw new DerError(`${what} has trailing bytes`);
  }

  #step(tag: number, what: string): { start: number; end: number } {
    if (this.nextTag() !== tag) throw new DerError(`${what} is missing or of another type`);
    const { length, start } = this.#length(what);
    const end = start + length;
    if (end > this.#end) throw new DerError(`${what} is truncated`);
    this.#at = end;
    return { start, end };
  }

  #length(what: string): { length: number; start: number } {
    const first = this.#bytes[this.#at + 1] ?? 0x80;
    if (first < 0x80) return { length: first, start: this.#at + 2 };
    const count = first & 0x7f;
    // Two length bytes reach 65,535: more than any request we accept.
    if (count === 0 || count > 2) throw new DerError(`${what} has an unacceptable length`);
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (this.#bytes[this.#at + 2 + i] ?? 0);
    if (length < (count === 1 ? 0x80 : 0x100)) throw new DerError(`${what} has a length that is not minimal`);
    return { length, start: this.#at + 2 + count };
  }
}

/** One element: tag, minimal length, the contents joined. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of contents) length += part.length;
  const header = length < 0x80 ? 2 : length < 0x100 ? 3 : 4;
  const out = new Uint8Array(header + length);
  out[0] = tag;
  if (header === 2) out[1] = length;
  else if (header === 3) out.set([0x81, length], 1);
  else out.set([0x82, length >> 8, length & 0xff], 1);
  let at = header;
  for (const part of contents) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** An OBJECT IDENTIFIER from its dotted form, whole. For tables that are built once. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest.flatMap(base128)];
  return der(TAG.oid, Uint8Array.from(bytes));
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = arc >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

/** @returns the dotted form of an OID's contents, for messages; `an unreadable OID` when it has none. */
export function dotted(contents: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of contents) {
    arc = arc * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(arc)) return 'an unreadable OID';
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const head = arcs.shift();
  if (head === undefined) return 'an unreadable OID';
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...arcs].join('.');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
