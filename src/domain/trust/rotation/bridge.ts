// The bridge of a rotation: a certificate of the new trust anchor's name and key that the old one signed. Behind the chains of
// issuers below the new anchor it leads those who know the old one alone to that; whoever knows the new one never needs it.
import { formatTime } from '../../text/format-time.ts';
import { Issuer } from '../../x509/issuer.ts';
import type { SubjectAltName } from '../../x509/template.ts';
import type { TrustBundle } from '../bundle.ts';
import type { Authorship } from '../issuer-ledger.ts';
import type { AnchorName, AnchorRotation } from './rotation.ts';

/** The certificate, judged. */
export interface CrossCertificate extends AnchorName {
  readonly pem: string;
  /** Hex SHA-256 of the old anchor, which signed it: who knows that one verifies through it. */
  readonly from: string;
}

export interface Bridge extends CrossCertificate, Authorship {}

/** @returns the bridge that chains carry at this moment; none before and after old and new are in the bundles. */
export function bridgeAt(rotation: AnchorRotation | undefined, nowMs: number): Bridge | undefined {
  if (rotation?.bridge === undefined || nowMs >= rotation.bridge.notAfterMs) return undefined;
  return rotation.phase === 'publish' || rotation.phase === 'adopt' ? rotation.bridge : undefined;
}

/**
 * Judged as one who knows the old anchor alone does it, so that what he would refuse is never taken for a bridge.
 * @param chainPem of an issuer below the new anchor.
 * @returns the chain with the bridge behind it, each as PEM, or why it cannot carry it. A chain that has a way of its own to
 *   another anchor stays as it is: verifiers try one way up.
 */
export function bridgedChain(
  chainPem: string,
  bridge: Bridge,
  bundle: TrustBundle,
  nowMs: number,
): readonly string[] | { readonly problem: string } {
  const anchors = bundle.anchors.filter(({ sha256 }) => sha256 === bridge.from);
  const names = certifiedNames(bundle.trustDomain);
  const issuer = Issuer.fromPem(chainPem + bridge.pem, anchors, { nowMs, names });
  return 'problem' in issuer ? { problem: issuer.problem } : issuer.chainPems;
}

/** @returns what an operator should know who gives this bridge; nothing when it outlives the leaves that carry it. */
export function shortBridge(
  { notAfterMs }: CrossCertificate,
  longestLeafMs: number,
  nowMs: number,
): string | undefined {
  if (notAfterMs - nowMs >= longestLeafMs) return undefined;
  return `the bridge helps until ${formatTime(notAfterMs)} only: leaves that carry it may live for longer, and whoever knows the old trust anchor alone refuses them then`;
}

/** Such as any workload has. */
export function certifiedNames(trustDomain: string): readonly SubjectAltName[] {
  return [{ kind: 'uri', value: `spiffe://${trustDomain}/ns/default/sa/default` }];
}
