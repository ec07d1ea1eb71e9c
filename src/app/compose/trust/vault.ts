// Servers with the Vault API, as the configuration names them.
import { watchFolder } from '../../../adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { VaultApi, type VaultApiParts, type VaultConnection } from '../../../adapters/vault/api/vault-api.ts';
import { PkiUpstream } from '../../../adapters/vault/pki/pki-upstream.ts';
import type { VaultCredential } from '../../../adapters/vault/api/vault-login.ts';
import type { PkiPlace, VaultPlace } from '../../../config/shapes/vault.ts';
import type { IntermediateUpstream } from '../../../ports/issuing/intermediate-upstream.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

export function connectionOf(place: VaultPlace): VaultConnection {
  const { address, caFile, namespace } = place;
  return { address, caFile, ...(namespace !== undefined && { namespace }), credential: credentialOf(place) };
}

/** Files are read when they are needed: a kubelet, or an agent, replaces tokens as it likes. */
export function vaultParts(clock: Clock): VaultApiParts {
  const readFile: VaultApiParts['readFile'] = async (file) =>
    (await watchedFiles({ file }, { clock, watchFolder }).read()).get('file') ?? '';
  return { clock, readFile };
}

/** @param until ends the keeping of its token. */
export function composePki(
  place: PkiPlace,
  { clock, until }: { readonly clock: Clock; readonly until: AbortSignal },
): IntermediateUpstream {
  const { mount, issuerRef, ...server } = place;
  const api = new VaultApi(connectionOf(server), vaultParts(clock));
  until.addEventListener('abort', () => api.close(), { once: true });
  if (place.tokenFile !== undefined) void api.keepToken({ signal: until });
  return new PkiUpstream(api, { mount, issuerRef });
}

/** The configuration has exactly one. */
function credentialOf({ tokenFile = '', appRole, kubernetes }: VaultPlace): VaultCredential {
  if (appRole !== undefined) return { method: 'appRole', ...appRole };
  if (kubernetes !== undefined) return { method: 'kubernetes', ...kubernetes };
  return { method: 'token', tokenFile };
}
