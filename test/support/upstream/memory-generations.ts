// The pairs of issuers in memory, as a folder keeps them. A test lets a call fail before or after it has done its work, as a crash
// would.
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { pathCertificatesOf } from '../../../src/domain/x509/path/certificate.ts';
import { KEY_TABLE } from '../../../src/domain/x509/key-types.ts';
import { readPublicKey } from '../../../src/domain/x509/public-key.ts';
import { caRequest } from '../../../src/domain/x509/request/ca-request.ts';
import { memorySigner } from '../../../src/adapters/issuers/memory/memory-signer.ts';
import type {
  IssuerGenerations,
  IssuerPair,
  IssuerPairs,
  RequestedPair,
} from '../../../src/ports/issuing/issuer-generations.ts';

type Change = 'request' | 'prepare' | 'activate' | 'revert' | 'discard';

export class MemoryGenerations implements IssuerGenerations {
  readonly names: readonly string[];
  /** Calls `killed` at the next change of the kind, before or after it is done, and fails. */
  crash: { readonly at: Change; readonly when: 'before' | 'after'; readonly killed: () => void } | undefined;
  pairs: IssuerPairs = {};
  /** Why nothing that comes is taken. */
  refusal: string | undefined;
  #key: ReturnType<typeof newKey> | undefined;

  constructor(name: string) {
    this.names = [name];
  }

  async look(): Promise<IssuerPairs> {
    return this.pairs;
  }

  async request(): Promise<RequestedPair> {
    return this.#change('request', async () => {
      const { spki, privateKey } = (this.#key ??= newKey());
      const algorithm = KEY_TABLE[readPublicKey(spki).family].signs;
      const signer = memorySigner(privateKey, algorithm);
      const request = caRequest({
        commonName: 'memory',
        spki,
        algorithm,
        trustDomainId: 'spiffe://cluster.local',
      });
      const signature = await signer.sign(request.info, { signal: new AbortController().signal });
      return { csrPem: request.assemble(signature), keyId: keyIdOf(spki) };
    });
  }

  async prepare(_: string, chainPem: string): Promise<IssuerPair> {
    return this.#change('prepare', async () => {
      if (this.refusal !== undefined) throw new AuthorityError('CAP-S16', { detail: this.refusal });
      const prepared = pairOf(chainPem);
      this.#key = undefined;
      this.pairs = { ...this.pairs, prepared };
      return prepared;
    });
  }

  async activate(_: string, id: string): Promise<void> {
    return this.#change('activate', async () => {
      const { current, prepared } = this.pairs;
      if (prepared === undefined || prepared.id !== id) throw new AuthorityError('CAP-X03');
      this.pairs = { current: prepared, ...(current && { former: current }) };
    });
  }

  async revert(_: string, id: string): Promise<void> {
    return this.#change('revert', async () => {
      const { current, former, ...rest } = this.pairs;
      if (former === undefined || former.id !== id) throw new AuthorityError('CAP-X03');
      this.pairs = { ...rest, current: former, ...(current && { former: current }) };
    });
  }

  async discard(_: string, id: string): Promise<void> {
    return this.#change('discard', async () => {
      const { prepared, former, ...rest } = this.pairs;
      this.pairs = {
        ...rest,
        ...(prepared && prepared.id !== id && { prepared }),
        ...(former && former.id !== id && { former }),
      };
    });
  }

  async #change<T>(at: Change, work: () => Promise<T>): Promise<T> {
    const { crash } = this;
    if (crash?.at !== at) return work();
    this.crash = undefined;
    if (crash.when === 'after') await work();
    crash.killed();
    throw new Error('killed');
  }
}

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

function keyIdOf(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('hex');
}

export function pairOf(chainPem: string): IssuerPair {
  const [own] = pathCertificatesOf(chainPem);
  if (own === undefined) throw new AuthorityError('CAP-X03', { detail: 'what came back has no certificate' });
  const { sha256, spki, subject, notBeforeMs, notAfterMs } = own;
  return { id: sha256.slice(0, 16), keyId: keyIdOf(spki), subject, notBeforeMs, notAfterMs, chainPem };
}

export function derOf(pair: IssuerPair): Uint8Array {
  return new X509Certificate(pair.chainPem).raw;
}
