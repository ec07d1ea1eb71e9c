// A server with the Vault API in memory, as far as Capstan asks one: logins, tokens, transit keys. A test says what it takes, and
// ends its tokens; what it is asked is on record.
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { VaultError } from '../../../../src/adapters/vault/api/vault-error.ts';
import type { Json, VaultRequest } from '../../../../src/adapters/vault/api/vault-http.ts';
import { signDigest } from './sign-digest.ts';

interface Waits {
  readonly token?: string;
  readonly signal: AbortSignal;
}

export class MemoryVault {
  readonly address = 'https://vault.test:8200';
  readonly asked: string[] = [];
  /** What logins are taken with. */
  readonly secrets = new Set(['secret']);
  /** Those that are alive, in the order in which they were given. */
  readonly tokens = new Set<string>();
  /** Of a token that is given or renewed, in seconds. */
  ttl = 3_600;
  renewable = true;
  /** Thrown instead of any answer, until it is taken away. */
  problem: VaultError | undefined;
  /** Paths, as they begin, that no token may ask for. */
  readonly forbidden = new Set<string>();
  /** Versions of the key `mesh`, the first is 1. */
  readonly versions: KeyObject[] = [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey];
  leastVersion = 0;
  facts: Json = {};
  /** In place of a signature that is asked for. */
  signature: string | undefined;
  #given = 0;

  readonly send = async (asked: VaultRequest, { token, signal }: Waits): Promise<Json> => {
    await Promise.resolve();
    signal.throwIfAborted();
    this.asked.push(`${asked.method} ${asked.path}`);
    if (this.problem !== undefined) throw this.problem;
    if (asked.path.endsWith('/login')) return this.#logIn(asked.body ?? {});
    const denied = [...this.forbidden].some((path) => asked.path.startsWith(path));
    if (token === undefined || !this.tokens.has(token) || denied)
      throw new VaultError('denied', `denies ${asked.method} ${asked.path} (403)`);
    return this.#answer(asked, token);
  };

  /** As a `VaultApi` would, with a token that is always alive. */
  readonly call = async (asked: VaultRequest, { signal }: { readonly signal: AbortSignal }): Promise<Json> => {
    this.tokens.add('own');
    return this.send(asked, { token: 'own', signal });
  };

  /** How often something was asked. */
  count(asked: string): number {
    return this.asked.filter((one) => one === asked).length;
  }

  #logIn({ secret_id: secret, jwt }: Json): Json {
    if (!this.secrets.has(String(secret ?? jwt))) throw new VaultError('refused', 'refuses POST login (400)');
    const token = `token-${(this.#given += 1)}`;
    this.tokens.add(token);
    return { auth: { client_token: token, renewable: this.renewable, lease_duration: this.ttl } };
  }

  #answer({ path, body = {} }: VaultRequest, token: string): Json {
    const own = { renewable: this.renewable };
    if (path === 'auth/token/lookup-self') return { data: { ...own, ttl: this.ttl } };
    if (path === 'auth/token/renew-self') return { auth: { ...own, client_token: token, lease_duration: this.ttl } };
    if (path === 'transit/keys/mesh') return { data: this.#key() };
    if (path.startsWith('transit/sign/mesh/')) return { data: { signature: this.signature ?? this.#sign(body) } };
    throw new VaultError('missing', `has nothing for ${path} (404)`);
  }

  #key(): Json {
    const keys = this.versions.map((key, index) => {
      const pem = createPublicKey(key).export({ format: 'pem', type: 'spki' });
      return [String(index + 1), { public_key: pem }] as const;
    });
    return { keys: Object.fromEntries(keys), min_encryption_version: this.leastVersion, ...this.facts };
  }

  /** Of the digest alone, as transit does with `prehashed`. */
  #sign({ input, key_version: version }: Json): string {
    const key = this.versions[Number(version) - 1];
    if (key === undefined) throw new VaultError('away', 'failed at transit/sign/mesh (500: no such version)');
    return `vault:v${String(version)}:${signDigest(key, Buffer.from(String(input), 'base64')).toString('base64')}`;
  }
}
