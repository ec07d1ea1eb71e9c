// DER (X.690 section 10): a strict reader and a writer for the few shapes a CSR and a certificate
// have. The reader accepts one spelling only: definite, minimal lengths, single-byte tags, no rest.
// It descends only where its caller asks it to, so the caller's code bounds the depth.

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

/** The longest length of two bytes. */
const TWO_BYTES = 0xffff;
/** The least length that needs one byte after the first, two and three. */
const LEAST_LENGTH = [0x80, 0x100, 0x10000] as const;

/** Not well-formed DER, or not the shape that was expected. Caught where a reason code is chosen. */
export class DerError extends Error {}

/** Reads elements one after the other from a range of bytes. */
export class DerReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  private constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  static over(bytes: Uint8Array): DerReader {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return new DerReader(buffer, 0, buffer.length);
  }

  get done(): boolean {
    return this.#at === this.#end;
  }

  /** The tag of the next element, or -1 at the end. */
  get nextTag(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at] ?? -1) : -1;
  }

  /** Steps over the next bytes when they are exactly these whole elements; says whether they were. */
  skip(expected: Uint8Array): boolean {
    if (this.#at + expected.length > this.#end) return false;
    for (let i = 0; i < expected.length; i++) if (this.#bytes[this.#at + i] !== expected[i]) return false;
    this.#at += expected.length;
    return true;
  }

  /** Steps over one element of this tag and returns its contents. */
  read(tag: number, what: string): Uint8Array {
    const start = this.#open(tag, what);
    return this.#bytes.subarray(start, this.#at);
  }

  /** Steps over one element of this tag and returns it whole, with tag and length. */
  readWhole(tag: number, what: string): Uint8Array {
    const first = this.#at;
    this.#open(tag, what);
    return this.#bytes.subarray(first, this.#at);
  }

  /** Steps over a BIT STRING of whole bytes and returns those. */
  readBits(what: string): Uint8Array {
    const start = this.#open(TAG.bitString, what);
    if (start === this.#at || this.#bytes[start] !== 0) throw new DerError(`${what} has unused bits`);
    return this.#bytes.subarray(start + 1, this.#at);
  }

  /** Steps over one element of this tag and returns its contents, one character per byte. */
  readLatin1(tag: number, what: string): string {
    const start = this.#open(tag, what);
    return this.#bytes.toString('latin1', start, this.#at);
  }

  /** Steps over one element of this tag and returns a reader of its contents. */
  enter(tag: number, what: string): DerReader {
    const start = this.#open(tag, what);
    return new DerReader(this.#bytes, start, this.#at);
  }

  /** @throws DerError unless everything was read. */
  finish(what: string): void {
    if (!this.done) throw new DerError(`${what} has trailing bytes`);
  }

  /** Moves behind the next element, which must have this tag; returns where its contents start. */
  #open(tag: number, what: string): number {
    if (this.nextTag !== tag) throw new DerError(`${what} is missing or of another type`);
    const first = this.#bytes[this.#at + 1] ?? 0;
    const extra = first < 0x80 ? 0 : first - 0x80;
    const start = this.#at + 2 + extra;
    const length = extra === 0 && first < 0x80 ? first : this.#longLength(extra, what);
    if (start + length > this.#end) throw new DerError(`${what} is truncated`);
    this.#at = start + length;
    return start;
  }

  #longLength(extra: number, what: string): number {
    // Two length bytes reach 65,535: more than any request we accept; a revocation list may be longer. None is the
    // indefinite form.
    const most = this.#bytes.length > TWO_BYTES ? 3 : 2;
    if (extra === 0 || extra > most) throw new DerError(`${what} has an unacceptable length`);
    let length = 0;
    for (let i = 2; i < 2 + extra; i++) length = length * 256 + (this.#bytes[this.#at + i] ?? 0);
    if (length < (LEAST_LENGTH[extra - 1] ?? 0)) throw new DerError(`${what} has a length that is not minimal`);
    return length;
  }
}

/**
 * Writes DER from its end to its beginning: when a header is due, its length is known. One buffer,
 * no copies of copies. Fields therefore stand in the code in the reverse of their order.
 */
export class DerWriter {
  readonly #bytes: Buffer;
  #at: number;

  /** @param capacity at least the size of everything that will be put. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.#at = capacity;
  }

  /** A place to pass to `wrap`: what is put from here on gets wrapped. */
  get mark(): number {
    return this.#at;
  }

  putByte(value: number): void {
    this.#at -= 1;
    this.#bytes[this.#at] = value;
  }

  put(bytes: Uint8Array): void {
    this.#at -= bytes.length;
    this.#bytes.set(bytes, this.#at);
  }

  /** One byte per character. */
  putLatin1(text: string): void {
    this.#at -= text.length;
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at + i] = text.charCodeAt(i);
  }

  /** Makes everything put since `mark` the contents of one element. */
  wrap(tag: number, mark: number): void {
    const length = mark - this.#at;
    this.putByte(length & 0xff);
    if (length > 0xff) this.putByte((length >> 8) & 0xff);
    if (length > TWO_BYTES) this.putByte(length >> 16);
    if (length > 0x7f) this.putByte(length > TWO_BYTES ? 0x83 : length > 0xff ? 0x82 : 0x81);
    this.putByte(tag);
  }

  /** @returns everything that was put. @throws RangeError when the capacity was too small. */
  finish(): Uint8Array {
    if (this.#at < 0) throw new RangeError('DER is larger than its writer');
    return this.#bytes.subarray(this.#at);
  }
}

/** One element: tag, minimal length, the contents joined. For tables that are built once. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const writer = new DerWriter(contents.reduce((sum, part) => sum + part.length, MAX_HEADER));
  const end = writer.mark;
  for (const part of contents.toReversed()) writer.put(part);
  writer.wrap(tag, end);
  return writer.finish();
}

/** Bytes of the longest header that the writer writes: a tag and four bytes of length. */
export const MAX_HEADER = 5;

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
