// What of a rogue certificate is wrong, and how it comes home: in sentences for whoever owns the place that it was found in.
import { shownName } from '../../domain/text/shown-name.ts';
import type { PlaceKind } from './found.ts';
import type { Rogue, RogueKind, Signer } from './judge-rogues.ts';

const WHY: Readonly<Record<RogueKind, string>> = {
  'self-signed-ca': 'it is a root of its own: whoever has its key makes any identity for all that trust it',
  'foreign-ca': 'it signs certificates, and no corporate anchor is above it',
  'path-length': 'a corporate CA signed it that may have no CA below it: peers that check path lengths refuse it',
  'self-signed-leaf': 'it vouches for itself: whoever trusts it cannot have it revoked or rotated by the corporate CA',
  'foreign-leaves': 'no corporate anchor is above what signed it',
};

const SIGNER: Readonly<Record<Signer['found'], string>> = {
  found: '',
  'no CA': ', which is no CA',
  nowhere: ', whose certificate was not found',
  'public root': ', a root of the public web',
  unchecked: ', of which too many were found to try the key of each',
};

/** How to replace what lies in a place of each kind, as what follows "bring home:". */
const HOME: Readonly<Record<PlaceKind, string>> = {
  file: 'have the CA signed by the corporate one (capstan issuer csr, capstan issuer import), or have its leaves issued by Capstan; then remove certificate and key',
  'istio-secret':
    'move the mesh to Capstan with both roots distributed (docs/migration.md, From istiod), or replace the Secret by an intermediate of the corporate CA; then delete it and restart istiod',
  secret:
    'have the certificate issued by an issuer under the corporate CA (a cert-manager Issuer that asks it, or Capstan over SDS), then delete the Secret',
  'config-map': 'put the corporate anchors in its stead when nothing that verifies by it is signed by this CA any more',
  'istio-roots':
    'it follows the CA of the mesh: move that to Capstan, which publishes the corporate anchors here (docs/kubernetes.md)',
  webhook:
    'serve the webhook with a certificate under the corporate CA and put its anchors into caBundle (cert-manager.io/inject-ca-from does both)',
  crd: 'serve the conversion webhook with a certificate under the corporate CA and put its anchors into caBundle',
  'api-service': 'serve the API with a certificate under the corporate CA and put its anchors into caBundle',
  issuer: 'have what this issuer asks served by a certificate under the corporate CA and put its anchors into caBundle',
  'trust-bundle': 'publish the corporate anchors in its stead; Capstan does so for its own signers',
};

export interface Advice {
  readonly why: string;
  readonly bringHome: string;
}

export function adviceOn({ kind, signer, namesake, expired, sightings, leaves }: Rogue): Advice {
  const [place] = sightings;
  const wrong = [
    WHY[kind],
    ...(namesake ? ['it bears the name of a corporate anchor and has another key'] : []),
    ...(expired ? ['it has expired, so that peers refuse it and nobody misses it'] : []),
  ];
  const signed = signer === undefined ? '' : `signed by ${shownName(signer.subject)}${SIGNER[signer.found]}; `;
  const counted = leaves.count > 1 && kind === 'foreign-leaves' ? `${leaves.count} certificates; ` : '';
  return {
    why: `${counted}${signed}${wrong.join('; ')}`,
    bringHome: expired ? 'remove it' : HOME[place?.place.kind ?? 'file'],
  };
}

export const SELF_SIGNING: Advice = {
  why: 'each certificate of it vouches for itself, and whoever may ask it for one has a CA',
  bringHome:
    'let an issuer that asks the corporate CA take its place, and refuse new ones by the admission policy of docs/rogue.md',
};
