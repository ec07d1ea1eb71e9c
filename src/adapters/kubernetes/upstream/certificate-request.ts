// A CertificateRequest of cert-manager that asks for an intermediate: how it is written, and what has become of it
// (cert-manager API reference, CertificateRequest v1; conditions in pkg/apis/certmanager/v1/types_certificaterequest.go).
import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { bug } from '../../../domain/errors.ts';
import { DerReader, TAG } from '../../../domain/x509/der.ts';
import { decodePem, decodePemBlocks } from '../../../domain/x509/pem.ts';
import type { IntermediateRequest } from '../../../ports/issuing/intermediate-upstream.ts';
import type { ApiKind } from '../api/kubernetes-api.ts';

export const CERTIFICATE_REQUEST: ApiKind = {
  apiVersion: 'cert-manager.io/v1',
  kind: 'CertificateRequest',
  plural: 'certificaterequests',
  namespaced: true,
};

/** `spec.issuerRef`. */
export interface IssuerReference {
  readonly name: string;
  /** `Issuer` of the request's namespace, `ClusterIssuer`, or a kind of another group. */
  readonly kind: string;
  readonly group: string;
}

export interface RequestPlace {
  readonly namespace: string;
  /** Of ours, as policies call it. */
  readonly issuer: string;
  readonly reference: IssuerReference;
}

export type Outcome =
  /** PEM, the intermediate first. */
  | { readonly kind: 'issued'; readonly chainPem: string }
  /** For good; `problem` says who refused and why. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** `problem` says what for. */
  | { readonly kind: 'waiting'; readonly problem: string };

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const ISSUER = 'capstan.dev/issuer';
/** Of what is asked for, so that whoever asks again finds the object that is there. */
const CONTENT = 'capstan.dev/request';
/** Of a name that is generated, Kubernetes keeps 58 characters and adds five. */
const MAX_PREFIX = 58;
/** Of a text of others, in a message. */
const MAX_QUOTED = 300;
/** As of any chain that an upstream sends. */
const MAX_BASE64 = 256 * 1024;

/** A label selector for the requests of this issuer, those of other replicas included. */
export function selectorFor({ issuer }: RequestPlace): string {
  return `${MANAGED_BY}=capstan,${ISSUER}=${issuer}`;
}

/** @returns what is created; the API server gives it its name. */
export function requestObject(place: RequestPlace, request: IntermediateRequest): object {
  const { namespace, issuer, reference } = place;
  const { apiVersion, kind } = CERTIFICATE_REQUEST;
  const generateName = `capstan-${issuer.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}`.slice(0, MAX_PREFIX - 1);
  const labels = { [MANAGED_BY]: 'capstan', [ISSUER]: issuer, [CONTENT]: contentOf(place, request) };
  return {
    apiVersion,
    kind,
    metadata: { namespace, generateName: `${generateName}-`, labels },
    spec: {
      request: Buffer.from(request.csrPem).toString('base64'),
      isCA: true,
      // As in the request itself: cert-manager refuses one that asks for other usages than its object.
      usages: ['cert sign', 'crl sign'],
      duration: `${Math.ceil(request.lifetimeMs / 1_000)}s`,
      issuerRef: reference,
    },
  };
}

/** Whether an object asks for the same. @param content as `contentOf` gives it. */
export function asksFor({ metadata: { labels = {} } }: KubernetesObject, content: string): boolean {
  return labels[CONTENT] === content;
}

/** A digest of what is asked for and of whom. The signature of a request differs each time, and is left out. */
export function contentOf({ reference }: RequestPlace, { csrPem, lifetimeMs }: IntermediateRequest): string {
  const request = decodePem(csrPem, 'CERTIFICATE REQUEST');
  if ('problem' in request) throw bug(`a request of ours ${request.problem}`);
  const info = DerReader.over(request).enter(TAG.sequence, 'the request').readWhole(TAG.sequence, 'its contents');
  const { name, kind, group } = reference;
  return createHash('sha256')
    .update(JSON.stringify([name, kind, group, lifetimeMs]))
    .update(info)
    .digest('hex')
    .slice(0, 32);
}

/** In ms since the epoch, by the API server's clock. */
export function createdAtMs({ metadata }: KubernetesObject): number {
  const { creationTimestamp = '' } = metadata as { readonly creationTimestamp?: string };
  return Date.parse(creationTimestamp) || 0;
}

/** To sort by. */
export function newestFirst(one: KubernetesObject, other: KubernetesObject): number {
  return createdAtMs(other) - createdAtMs(one);
}

interface Condition {
  readonly type?: unknown;
  readonly status?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
}

interface Status {
  readonly conditions?: readonly Condition[];
  readonly certificate?: unknown;
}

export function outcomeOf(object: KubernetesObject): Outcome {
  const { conditions: given, certificate } = (object['status'] ?? {}) as Status;
  const conditions = Array.isArray(given) ? (given as readonly Condition[]) : [];
  const [denied, invalid, approved] = ['Denied', 'InvalidRequest', 'Approved'].map((type) =>
    conditions.find((one) => one.type === type && one.status === 'True'),
  );
  const ready = conditions.find((one) => one.type === 'Ready');
  if (denied !== undefined) return { kind: 'refused', problem: `was denied: ${words(denied)}` };
  if (invalid !== undefined) return { kind: 'refused', problem: `is invalid: ${words(invalid)}` };
  if (ready?.reason === 'Failed') return { kind: 'refused', problem: `has failed: ${words(ready)}` };
  if (ready?.status === 'True') return issued(certificate);
  if (ready !== undefined) return { kind: 'waiting', problem: `is pending: ${words(ready)}` };
  return { kind: 'waiting', problem: approved === undefined ? UNAPPROVED : UNHEARD };
}

const UNAPPROVED = 'has neither been approved nor denied: is cert-manager running, and who approves there?';
const UNHEARD = 'is approved, and nothing has looked at it since: is the controller of that issuer running?';

function issued(certificate: unknown): Outcome {
  const base64 = typeof certificate === 'string' ? certificate : '';
  if (base64.length > MAX_BASE64)
    return { kind: 'refused', problem: `has a certificate of more than ${MAX_BASE64} characters` };
  const chainPem = Buffer.from(base64, 'base64').toString('utf8');
  const blocks = decodePemBlocks(chainPem, 'CERTIFICATE');
  return 'problem' in blocks
    ? { kind: 'refused', problem: `is ready, and its certificate ${blocks.problem}` }
    : { kind: 'issued', chainPem };
}

/** What somebody else wrote, on one line and no longer than a line. */
function words({ reason, message }: Condition): string {
  const [why, text] = [reason, message].map((one) => (typeof one === 'string' ? one : ''));
  return `${text === '' ? 'no reason given' : text} (${why})`.replaceAll(/[\p{Cc}\s]+/gu, ' ').slice(0, MAX_QUOTED);
}
