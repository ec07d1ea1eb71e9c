// Servers with the Vault API, as the configuration names them.
import { watchFolder } from '../../../adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import type { VaultApiParts, VaultConnection } from '../../../adapters/vault/api/vault-api.ts';
import type { VaultCredential } from '../../../adapters/vault/api/vault-login.ts';
import type { VaultPlace } from '../../../config/shapes/vault.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

export function connectionOf(place: VaultPlace): VaultConnection {
  const { address, caFile, namespace } = place;
  return { address, caFile, ...(namespace !== undefined && { namespace }), credential: credentialOf(place) };
}

/** Files are read when they are needed: a kubelet, or an agent, replaces tokens as it likes. */
export function vaultParts<C extends Clock>(clock: C): VaultApiParts & { readonly clock: C } {
  const readFile: VaultApiParts['readFile'] = async (file) =>
    (await watchedFiles({ file }, { clock, watchFolder }).read()).get('file') ?? '';
  return { clock, readFile };
}

/** The configuration has exactly one. */
function credentialOf({ tokenFile = '', appRole, kubernetes }: VaultPlace): VaultCredential {
  if (appRole !== undefined) return { method: 'appRole', ...appRole };
  if (kubernetes !== undefined) return { method: 'kubernetes', ...kubernetes };
  return { method: 'token', tokenFile };
}
