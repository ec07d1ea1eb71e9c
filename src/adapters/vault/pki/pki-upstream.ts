// The PKI engine of OpenBao or Vault as the CA above an issuer. What it answers is judged by whoever asked.
import { AuthorityError } from '../../../domain/errors.ts';
import { decodePemBlocks, encodePem } from '../../../domain/x509/pem.ts';
import type { IntermediateRequest, IntermediateUpstream } from '../../../ports/issuing/intermediate-upstream.ts';
import type { VaultApi } from '../api/vault-api.ts';
import { VaultError } from '../api/vault-error.ts';
import type { Json } from '../api/vault-http.ts';

/** A CA whose own key is in a slow HSM takes a while. */
const SIGN_WITHIN_MS = 20_000;
/** More CAs than stand above anybody. */
const MAX_ABOVE = 10;

export interface PkiSettings {
  /** Where the engine is mounted. */
  readonly mount: string;
  /** Name or id of the issuer there; absent, the default one of the mount. */
  readonly issuerRef?: string | undefined;
}

export class PkiUpstream implements IntermediateUpstream {
  readonly place: string;
  readonly #api: Pick<VaultApi, 'call'>;
  readonly #path: string;

  constructor(api: Pick<VaultApi, 'call' | 'address'>, { mount, issuerRef }: PkiSettings) {
    this.#api = api;
    this.#path = `${mount}/${issuerRef === undefined ? 'root' : `issuer/${issuerRef}`}/sign-intermediate`;
    this.place = `the PKI ${mount} at ${api.address}`;
  }

  async sign({ csrPem, lifetimeMs }: IntermediateRequest, options: { readonly signal: AbortSignal }): Promise<string> {
    const body = {
      csr: csrPem,
      // Without it the subject, the trust domain and the constraints of the request are left out.
      use_csr_values: true,
      // What the request says of it is left out all the same (OpenBao 2.7).
      max_path_length: 0,
      ttl: `${Math.ceil(lifetimeMs / 1_000)}s`,
      format: 'pem',
    };
    try {
      const asked = { method: 'POST', path: this.#path, body, withinMs: SIGN_WITHIN_MS } as const;
      const { data } = await this.#api.call(asked, options);
      return chainIn((data ?? {}) as Json);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      throw new AuthorityError('CAP-S16', { detail: `${this.place}: it ${error.message}`, cause: error });
    }
  }
}

/** `ca_chain` begins with the certificate itself in OpenBao, and not in every Vault. @throws VaultError */
function chainIn({ certificate, ca_chain: chain, issuing_ca: issuingCa }: Json): string {
  const above: readonly unknown[] = Array.isArray(chain) && chain.length > 0 ? chain : [issuingCa];
  const pems = [certificate, ...above].filter((one) => typeof one === 'string');
  if (typeof certificate !== 'string' || pems.length > MAX_ABOVE + 1)
    throw new VaultError('away', 'answered with no chain of certificates');
  const blocks = decodePemBlocks(pems.join('\n'), 'CERTIFICATE');
  if ('problem' in blocks) throw new VaultError('away', `answered with a chain that ${blocks.problem}`);
  return [...new Set(blocks.map((der) => encodePem('CERTIFICATE', der)))].join('');
}
