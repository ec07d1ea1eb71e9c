// A caller that is banned has no standing, whatever its cluster says of it: asked where a caller comes and where a stream goes
// on, and its streams end when the ban comes.
import type { Ban } from '../../domain/revocation/ban.ts';
import type { Attestation } from '../attestation/attestation.ts';
import { revoked, type Revocations } from './revocations.ts';

/** @returns the attestation, which throws CAP-R01 too. */
export function unlessRevoked(attestation: Attestation, revocations: Revocations): Attestation {
  return {
    demand: async (caller, options) => {
      revocations.demand(caller, caller.identity);
      return attestation.demand(caller, options);
    },
    onGone: (listener, options) => {
      attestation.onGone(listener, options);
      revocations.onBan((ban) => {
        const namespace = namespaceOf(ban);
        listener({
          ...(namespace !== undefined && { namespace }),
          error: revoked(ban),
          concerns: (caller) => revocations.concerns(ban, caller),
        });
      }, options);
    },
  };
}

function namespaceOf({ target }: Ban): string | undefined {
  return target.kind === 'namespace' ? target.namespace : undefined;
}
