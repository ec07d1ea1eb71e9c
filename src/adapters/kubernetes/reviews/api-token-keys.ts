// The keys that an API server signs service account tokens with, asked of it with our own credential: its OpenID Connect
// documents are not open to everybody (ClusterRole system:service-account-issuer-discovery). They are kept in a file, so that
// a server that starts while the API server is away can verify tokens all the same.
import type { KeptTokenKeys, TokenKeyDocument, TokenKeyDocuments } from '../../../ports/cluster/token-reviews.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import type { KubernetesApi } from '../api/kubernetes-api.ts';

/** The API server's own, whatever `jwks_uri` says: that may lead to a place that only others reach. */
const JWKS_PATH = '/openid/v1/jwks';
const DISCOVERY_PATH = '/.well-known/openid-configuration';

/** Holds no secret: public keys, and the name of who has the private ones. */
export interface KeysFile {
  /** Nothing when there is no such file. @throws Error when it cannot be read. */
  read(): Promise<string | undefined>;
  /** Replaces it in one step. @throws Error when it cannot be written. */
  write(text: string): Promise<void>;
}

export interface ApiTokenKeysParts {
  readonly api: Pick<KubernetesApi, 'raw'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly file?: KeysFile;
  /** Of a file that cannot be read or written: tokens are verified all the same. */
  readonly onFileProblem: (problem: string) => void;
}

export class ApiTokenKeys implements TokenKeyDocuments {
  readonly #parts: ApiTokenKeysParts;

  constructor(parts: ApiTokenKeysParts) {
    this.#parts = parts;
  }

  async read(options: { readonly signal: AbortSignal }): Promise<TokenKeyDocument> {
    const { api, clock } = this.#parts;
    const discovery = await api.raw(DISCOVERY_PATH, options);
    const { issuer } = (discovery ?? {}) as { readonly issuer?: unknown };
    if (typeof issuer !== 'string' || issuer === '') throw new Error('the discovery document names no issuer');
    const document = { issuer, keys: await api.raw(JWKS_PATH, options) };
    await this.#keep({ ...document, readAtMs: clock.nowMs() });
    return document;
  }

  async kept(): Promise<KeptTokenKeys | undefined> {
    try {
      const text = await this.#parts.file?.read();
      return text === undefined ? undefined : keptIn(text);
    } catch (error) {
      this.#parts.onFileProblem(problemOf(error));
      return undefined;
    }
  }

  async #keep(kept: KeptTokenKeys): Promise<void> {
    try {
      await this.#parts.file?.write(JSON.stringify(kept));
    } catch (error) {
      this.#parts.onFileProblem(problemOf(error));
    }
  }
}

function keptIn(text: string): KeptTokenKeys {
  const { issuer, keys, readAtMs } = (parseJson(text) ?? {}) as Partial<KeptTokenKeys>;
  if (typeof issuer === 'string' && typeof readAtMs === 'number' && keys !== undefined) {
    return { issuer, keys, readAtMs };
  }
  throw new Error('the file of token keys is not one that Capstan wrote');
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : 'the file of token keys cannot be used';
}
