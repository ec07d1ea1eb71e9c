// Rules between the keys that say where issuers and trust anchors are.
import { formatDuration } from '../../domain/text/duration.ts';
import { LEAVES_IN_ISSUER } from '../../domain/trust/lifetime-relations.ts';
import { PLACE_FIELDS, placeProblems, type IssuerPlace } from '../shapes/issuer.ts';
import type { Rule } from './rules.ts';

export const ISSUER_RULES: readonly Rule[] = [
  ...PLACE_FIELDS.map((field): Rule => {
    const others = PLACE_FIELDS.filter((other) => other !== field).map((other) => `issuer.${other}`);
    return {
      reads: [`issuer.${field}`, ...others],
      check: ({ issuer }) => placeProblems(issuer).filter((one) => one.field === field),
    };
  }),
  {
    reads: ['additionalIssuers'],
    check: ({ additionalIssuers }) =>
      additionalIssuers.flatMap((one, index) =>
        placeProblems(one).map(({ field, problem }) => ({ within: [index, field], problem })),
      ),
  },
  ...(['certificateFile', 'keyFile'] as const).map((field): Rule => ({
    reads: [`trustAnchors.endpoint.${field}`, 'trustAnchors.endpoint.address', 'trustAnchors.endpoint.profile'],
    check: ({ trustAnchors: { endpoint } }) => {
      const wanted = endpoint.address !== undefined && endpoint.profile === 'https_web';
      if (wanted === (endpoint[field] !== undefined)) return [];
      return wanted
        ? [{ problem: 'is required where trustAnchors.endpoint.address is given in the profile https_web' }]
        : [{ problem: 'is of no use without trustAnchors.endpoint.address in the profile https_web' }];
    },
  })),
  {
    reads: ['issuer.upstream', 'trustAnchors.file'],
    check: ({ issuer, trustAnchors }) =>
      issuer.upstream !== undefined && trustAnchors.file === undefined
        ? [{ problem: 'needs trustAnchors.file: what an upstream names as its root is never trusted for that' }]
        : [],
  },
  {
    reads: ['issuer.upstream', 'lifetimes.max'],
    check: ({ issuer, lifetimes }) => lifetimeProblems(issuer, lifetimes.max).map((problem) => ({ problem })),
  },
  {
    reads: ['additionalIssuers', 'lifetimes.max'],
    check: ({ additionalIssuers, lifetimes }) =>
      additionalIssuers.flatMap((one, index) =>
        lifetimeProblems(one, Math.min(lifetimes.max, one.maxTtl ?? Infinity)).map((problem) => ({
          within: [index, 'upstream', 'lifetime'],
          problem,
        })),
      ),
  },
  {
    reads: ['issuer.upstream', 'cluster.kubernetes.from'],
    check: ({ issuer, cluster }) => apiProblems(issuer, cluster.kubernetes.from).map((problem) => ({ problem })),
  },
  {
    reads: ['additionalIssuers', 'cluster.kubernetes.from'],
    check: ({ additionalIssuers, cluster }) =>
      additionalIssuers.flatMap((one, index) =>
        apiProblems(one, cluster.kubernetes.from).map((problem) => ({ within: [index, 'upstream'], problem })),
      ),
  },
  {
    reads: ['trustAnchors.file', 'issuer.directory'],
    check: ({ trustAnchors, issuer }) =>
      trustAnchors.file === undefined && issuer.directory === undefined
        ? [{ problem: 'is required: a file path, or `issuer.directory`' }]
        : [],
  },
];

/** An intermediate that is too short would be refused when it comes. */
function lifetimeProblems({ upstream }: IssuerPlace, longestLeafMs: number): readonly string[] {
  const leastMs = LEAVES_IN_ISSUER * longestLeafMs;
  if (upstream === undefined || upstream.lifetime >= leastMs) return [];
  return [`must live for at least ${LEAVES_IN_ISSUER} x ${formatDuration(longestLeafMs)} = ${formatDuration(leastMs)}`];
}

function apiProblems({ upstream }: IssuerPlace, from: string | undefined): readonly string[] {
  return upstream?.certManager === undefined || from !== undefined
    ? []
    : ['needs cluster.kubernetes.from: cert-manager is asked through the API server'];
}
