// Drift in both places where it can be: between certificates and policies, and between policies and Git.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import type { PolicyDigest } from '../../domain/policy/history/drift.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import type { Finding, ReviewedCase } from '../findings.ts';
import type { Candidate } from '../sources/candidate.ts';
import type { LiveCertificates, RefusedCertificate } from './live-certificates.ts';
import { digestOf, policyDrift, type PolicyDrift } from '../../domain/policy/history/policy-drift.ts';

/** What a running server says of its policies: names and digests. */
export interface PolicyInForce {
  readonly revision: string;
  /** The bundle and the local policies. */
  readonly policies: readonly PolicyDigest[];
  /** Absent where it compares with nothing. */
  readonly watched?: WatchedDrift;
}

/** What a server found that compares by itself (`policy.expected`); of more differences the first are named. */
export interface WatchedDrift {
  readonly count: number;
  /** Commit of its checkout. */
  readonly gitRevision?: string | undefined;
  /** Commit whose policies are those in force. */
  readonly gitRevisionInForce?: string | undefined;
  readonly problem?: string | undefined;
  readonly policies: readonly PolicyDrift[];
}

export interface DriftInput {
  /** The policies in force as a server names them; they count before those whose texts are at hand. */
  readonly inForce?: PolicyInForce;
  /** The policies in force, as far as their texts are at hand. */
  readonly candidate?: Candidate;
  /** What LiveCertificateReview found. */
  readonly certificates?: LiveCertificates;
  /** What should be in force; absent, what the server that was asked says of it. */
  readonly inGit?: readonly ParsedDocument[];
}

export interface Drift {
  /** Absent when no journal was read. */
  readonly certificates?: LiveCertificates;
  /** Absent when nothing was compared with Git. */
  readonly policies?: readonly PolicyDrift[];
  /** Present where the server compared. */
  readonly watched?: Omit<WatchedDrift, 'policies'>;
  /** Of the policies that were asked, or that the server says are in force. */
  readonly revision?: string;
}

export function driftOf({ inForce, candidate, certificates, inGit }: DriftInput): Drift {
  const { bundle, documents = [], policies } = candidate ?? {};
  const atHand = [...(bundle === undefined ? [] : [bundle]), ...documents];
  const revision = inForce?.revision ?? policies?.revision;
  const { policies: named, ...watched } = inForce?.watched ?? {};
  const byServer = inGit === undefined && named !== undefined;
  return {
    ...(revision !== undefined && { revision }),
    ...(certificates !== undefined && { certificates }),
    ...(byServer && { policies: named, watched: watched as NonNullable<Drift['watched']> }),
    ...(inGit !== undefined && { policies: policyDrift(inForce?.policies ?? atHand.map(digestOf), atHand, inGit) }),
  };
}

/** @returns a case for each place that was looked at. */
export function driftCases({ certificates, policies }: Drift): readonly ReviewedCase[] {
  return [
    ...(certificates === undefined
      ? []
      : [{ name: 'live certificates', findings: certificates.listed.map(certificateFinding) }]),
    ...(policies === undefined ? [] : [{ name: 'policies in Git', findings: policies.map(policyFinding) }]),
  ];
}

function certificateFinding(certificate: RefusedCertificate): Finding {
  const { identity, serial, notAfterMs, refusalReason, renewable } = certificate;
  const until = `serial ${serial}, valid until ${formatTime(notAfterMs)}`;
  const verdict = renewable ? 'would be refused to a newcomer, and is renewed for now' : 'would be refused today';
  const message = `${until}, ${verdict}: ${refusalReason.where}: ${refusalReason.words}`;
  return { id: refusalReason.reason, severity: renewable ? 'warning' : 'error', message, subject: identity };
}

export const DRIFT_SENTENCES: Readonly<Record<PolicyDrift['drift'], string>> = {
  missing: 'is in force, but Git does not keep it',
  extra: 'is kept in Git, but is not in force',
  different: 'differs between what is in force and what Git keeps',
};

function policyFinding({ title, drift, position, fields = [] }: PolicyDrift): Finding {
  const changed = fields.map(({ field, before, after }) => `${field} ${before} became ${after}`);
  const message = [DRIFT_SENTENCES[drift], ...(changed.length === 0 ? [] : [changed.join('; ')])].join(': ');
  const place = position === undefined ? {} : { position };
  return { id: `drift/${drift}`, severity: 'error', message, subject: title, ...place };
}
