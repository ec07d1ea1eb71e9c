// The CA above an issuer, by what the configuration names.
import type { UpstreamPlace } from '../../../config/shapes/upstream.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { IntermediateUpstream } from '../../../ports/issuing/intermediate-upstream.ts';

export type UpstreamOf = (place: UpstreamPlace) => IntermediateUpstream;

/** @throws AuthorityError CAP-X03 for a place that names none, which the configuration does not take. */
export const composeUpstream: UpstreamOf = () => {
  throw new AuthorityError('CAP-X03', { detail: 'an upstream names no CA' });
};
