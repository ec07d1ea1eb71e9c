// The CA above an issuer, by what the configuration names.
import { CertManagerUpstream } from '../../../adapters/kubernetes/upstream/cert-manager-upstream.ts';
import type { UpstreamPlace } from '../../../config/shapes/upstream.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { IntermediateUpstream } from '../../../ports/issuing/intermediate-upstream.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { composePki } from './vault.ts';

/** @param issuer whose intermediates it signs, as policies call it. */
export type UpstreamOf = (issuer: string, place: UpstreamPlace) => IntermediateUpstream;

/** @throws AuthorityError CAP-X03 for a place that names none, which the configuration does not take. */
export function composeUpstreams({ clock, running }: Foundation, kubernetes: Kubernetes | undefined): UpstreamOf {
  return (issuer, { vault, certManager }) => {
    if (vault !== undefined) return composePki(vault, { clock, until: running });
    if (certManager !== undefined && kubernetes !== undefined) {
      const { issuer: reference, namespace = kubernetes.namespace } = certManager;
      return new CertManagerUpstream({ api: kubernetes.api, clock }, { namespace, issuer, reference });
    }
    throw new AuthorityError('CAP-X03', { detail: 'an upstream names no CA' });
  };
}
