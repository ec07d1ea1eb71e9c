// A hundred thousand broken requests. Half of those with a small key are signed again after they were
// broken, so that the parser cannot hide behind the signature.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { CertificateRequest } from '../../../src/domain/x509/request/certificate-request.ts';
import {
  ALGORITHM,
  ecKeys,
  extensionRequest,
  pemOf,
  requestInfo,
  rsaKeys,
  san,
  seq,
  tlv,
  uri,
  type Keys,
  type Part,
} from '../../vectors/csr/der-parts.ts';

const RUNS = 100_000;
/** Of this thread's own time on a processor, so that a busy machine does not count: far above what one request takes, far below what an attacker could use. */
const LONGEST_MS = 250;
const CODES: ReadonlySet<string> = new Set(['malformed_csr', 'csr_signature_invalid', 'key_unacceptable']);

interface Seed {
  readonly keys: Keys;
  readonly info: Buffer;
  readonly der: Buffer;
  readonly algorithm: Buffer;
  readonly hash: string;
}

const WORKLOAD = uri('spiffe://cluster.local/ns/default/sa/demo');
const NAMED = tlv(0xa0, extensionRequest(san(WORKLOAD)));

function seed(keys: Keys, algorithm: Buffer, hash: string, attributes: Part, subject = '3000'): Seed {
  const info = requestInfo(keys, { attributes, subject });
  return { keys, info, algorithm, hash, der: signed({ keys, algorithm, hash }, info) };
}

function signed({ keys, algorithm, hash }: Pick<Seed, 'keys' | 'algorithm' | 'hash'>, info: Buffer): Buffer {
  return seq(info, algorithm, tlv(0x03, '00', sign(hash, info, keys.privateKey)));
}

const p256 = ecKeys();
const SEEDS: readonly Seed[] = [
  seed(p256, ALGORITHM.ecdsaSha256, 'sha256', NAMED),
  seed(p256, ALGORITHM.ecdsaSha512, 'sha512', tlv(0xa0, extensionRequest(san(WORKLOAD, uri('spiffe://other/x'))))),
  seed(p256, ALGORITHM.ecdsaSha256, 'sha256', tlv(0xa0)),
  seed(ecKeys('P-384'), ALGORITHM.ecdsaSha384, 'sha384', NAMED),
  seed(rsaKeys(2048), ALGORITHM.rsaSha256, 'sha256', NAMED, '300b31093007060355040a1300'),
  seed(rsaKeys(4096), ALGORITHM.rsaSha512, 'sha512', NAMED),
];

/** Changes bytes in place, in the way its name says. */
type Mutation = (bytes: Buffer) => Buffer;

const position = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (bytes: Buffer, share: number): number => Math.floor(share * bytes.length);

const flip = fc.tuple(position, fc.integer({ min: 1, max: 255 })).map(([where, bits]): Mutation => (bytes) => {
  const copy = Buffer.from(bytes);
  copy[at(copy, where)]! ^= bits;
  return copy;
});
const truncate = position.map(
  (where): Mutation =>
    (bytes) =>
      bytes.subarray(0, at(bytes, where)),
);
const insert = fc
  .tuple(position, fc.uint8Array({ minLength: 1, maxLength: 8 }))
  .map(([where, fresh]): Mutation => (bytes) => {
    const place = at(bytes, where);
    return Buffer.concat([bytes.subarray(0, place), fresh, bytes.subarray(place)]);
  });
const remove = fc.tuple(position, fc.integer({ min: 1, max: 16 })).map(([where, count]): Mutation => (bytes) => {
  const place = at(bytes, where);
  return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + count)]);
});
/** Another length for one element, its contents untouched. */
const relength = fc
  .tuple(position, fc.constantFrom('00', '01', '7f', '80', '8100', '8180', '82ffff', '8400000001', '84ffffffff', 'ff'))
  .map(([where, length]): Mutation => (bytes) => {
    const { start, contents } = elementAt(bytes, where);
    return Buffer.concat([bytes.subarray(0, start + 1), Buffer.from(length, 'hex'), bytes.subarray(contents)]);
  });
/** One whole element replaced by another, with the lengths around it put right. */
const splice = fc.tuple(position, position).map(([from, to]): Mutation => (bytes) => {
  const source = elementAt(bytes, from);
  return replaceElement(bytes, elementAt(bytes, to).start, bytes.subarray(source.start, source.end));
});
/** One whole element repeated or left out, with the lengths around it put right. */
const repeat = fc.tuple(position, fc.constantFrom(0, 2, 3)).map(([where, times]): Mutation => (bytes) => {
  const { start, end } = elementAt(bytes, where);
  return replaceElement(bytes, start, Buffer.concat(Array<Uint8Array>(times).fill(bytes.subarray(start, end))));
});
const retag = fc.tuple(position, fc.integer({ min: 0, max: 255 })).map(([where, tag]): Mutation => (bytes) => {
  const copy = Buffer.from(bytes);
  copy[elementAt(bytes, where).start] = tag;
  return copy;
});
const mutations = fc.array(fc.oneof(flip, truncate, insert, remove, relength, splice, repeat, retag), {
  minLength: 1,
  maxLength: 3,
});

interface Element {
  readonly start: number;
  readonly contents: number;
  readonly end: number;
  readonly children: readonly Element[];
}

/** Everything in these bytes that looks like an element, in order, descending where contents look like elements too. */
function elements(bytes: Buffer, from = 0, to = bytes.length, depth = 0): Element[] {
  const found: Element[] = [];
  for (let start = from; start + 2 <= to;) {
    const first = bytes[start + 1]!;
    const extra = first < 0x80 ? 0 : first & 0x7f;
    if (extra > 2 || start + 2 + extra > to) return found;
    const contents = start + 2 + extra;
    const end = contents + (extra === 0 ? first : bytes.readUIntBE(start + 2, extra));
    if (end > to) return found;
    const nests = (bytes[start]! & 0x20) !== 0 || bytes[start] === 0x04 || bytes[start] === 0x03;
    const skip = bytes[start] === 0x03 ? 1 : 0;
    found.push({
      start,
      contents,
      end,
      children: nests && depth < 12 ? elements(bytes, contents + skip, end, depth + 1) : [],
    });
    start = end;
  }
  return found;
}

function flat(found: readonly Element[]): Element[] {
  return found.flatMap((element) => [element, ...flat(element.children)]);
}

function elementAt(bytes: Buffer, share: number): Element {
  const all = flat(elements(bytes));
  return all[Math.floor(share * all.length)] ?? { start: 0, contents: 0, end: bytes.length, children: [] };
}

function replaceElement(bytes: Buffer, start: number, by: Uint8Array): Buffer {
  const rebuild = (list: readonly Element[], from: number, to: number): Buffer => {
    const tail = list.at(-1)?.end ?? from;
    const parts = list.map((element) => {
      if (element.start === start) return by;
      if (start < element.start || start >= element.end) return bytes.subarray(element.start, element.end);
      const inner = element.children[0]?.start ?? element.contents;
      const body = [bytes.subarray(element.contents, inner), rebuild(element.children, inner, element.end)];
      return tlv(bytes[element.start]!, ...body);
    });
    return Buffer.concat([...parts, bytes.subarray(tail, to)]);
  };
  return rebuild(elements(bytes), 0, bytes.length);
}

const mutant = fc
  .record({ seed: fc.constantFrom(...SEEDS), steps: mutations, again: fc.boolean() })
  .map(({ seed: from, steps, again }) => {
    const mutate = (bytes: Buffer): Buffer => steps.reduce((now, step) => step(now), bytes);
    return again && from.keys === p256 ? signed(from, mutate(from.info)) : mutate(from.der);
  });

/** What a library that shares no code with us reads in a request that we accepted. */
async function assertSameAsLibrary(der: Buffer, { publicKey, uris }: CertificateRequest): Promise<void> {
  const other = new x509.Pkcs10CertificateRequest(der);
  assert.ok(['', 'O='].includes(other.subject), other.subject);
  assert.ok(Buffer.from(other.publicKey.rawData).equals(publicKey.spki), 'public key');
  const names = [...other.extensions].flatMap((extension) => {
    assert.ok(extension instanceof x509.SubjectAlternativeNameExtension);
    return extension.names.items.map(({ type, value }) => `${type} ${value}`);
  });
  assert.deepEqual(
    names,
    uris.map((text) => `url ${text}`),
  );
  assert.ok(await other.verify(), 'signature');
}

describe('A hundred thousand broken requests', function () {
  this.timeout(120_000);
  const accepted: { readonly der: Buffer; readonly request: CertificateRequest }[] = [];
  let refused = 0;
  let longestMs = 0;

  function usedMs(): number {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  }

  function judge(der: Buffer): void {
    const pem = pemOf(der);
    const startedMs = usedMs();
    try {
      accepted.push({ der, request: CertificateRequest.fromPem(pem) });
    } catch (error) {
      assert.ok(error instanceof AuthorityError, `threw ${String(error)}`);
      assert.ok(CODES.has(error.code), error.message);
      refused += 1;
    } finally {
      longestMs = Math.max(longestMs, usedMs() - startedMs);
    }
  }

  it('are each refused as malformed, unsigned or of an unacceptable key, or are sound after all', () => {
    for (const { der } of SEEDS) judge(der);
    assert.equal(refused, 0);
    fc.assert(fc.property(mutant, judge), { numRuns: RUNS });
    assert.ok(refused > RUNS / 2, `refused ${refused}`);
  });

  it('read the same to another library where they are sound', async () => {
    assert.ok(accepted.length > SEEDS.length, 'no mutant was accepted');
    for (const { der, request } of accepted) await assertSameAsLibrary(der, request);
  });

  it('block nobody', () => {
    assert.ok(longestMs < LONGEST_MS, `one took ${longestMs} ms`);
  });
});
