// What Capstan says of a policy object in its status; it writes nothing else of the object.
import type { StructuralSchema } from './structural-schema.ts';

const words = (description: string, maxLength = 4_096): StructuralSchema => ({
  type: 'string',
  maxLength,
  description,
});
const count = (description: string): StructuralSchema => ({
  type: 'integer',
  format: 'int64',
  minimum: 0,
  description,
});

const CONDITION: StructuralSchema = {
  type: 'object',
  required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
  properties: {
    type: words('Accepted, ExceedsCentral or SnapshotSynced.', 316),
    status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
    reason: words('One word for programs.', 1_024),
    message: words('What it means for this policy.', 32_768),
    lastTransitionTime: { type: 'string', format: 'date-time' },
    observedGeneration: count('The generation of the policy that was judged.'),
  },
};

/** Of `effective`, each limit as policies spell it. */
export const EFFECTIVE_FIELDS = {
  bundle: 'The policy bundle that the limits come from too, as name@sequence.',
  trustDomains: 'Trust domains of identities.',
  spiffeId: 'How the SPIFFE ID is spelled.',
  serviceAccounts: 'Service accounts that may have one.',
  dnsNames: 'DNS names that a certificate may carry.',
  ttlMin: 'Shortest lifetime that may be asked for.',
  ttlMax: 'Longest lifetime.',
  ttlDefault: 'Lifetime when the request names none.',
  keys: 'Types of keys.',
  usages: 'What certificates may be used for.',
  impersonators: 'Who may ask on behalf of a workload.',
  issuer: 'The issuers that may sign.',
} as const;

export const STATUS: StructuralSchema = {
  type: 'object',
  description: 'What Capstan found. It decides nothing.',
  properties: {
    observedGeneration: count('The generation of the policy that was judged.'),
    conditions: {
      type: 'array',
      maxItems: 8,
      description:
        'Accepted: it is in force as written. ExceedsCentral: it asks for more than the policy bundle gives. SnapshotSynced: the view of the cluster that its conditions need is there.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: CONDITION,
    },
    effective: {
      type: 'object',
      description:
        'The most that anybody whom it applies to can have, of the bundle and this policy together; `or` stands between what different rules give.',
      properties: Object.fromEntries(Object.entries(EFFECTIVE_FIELDS).map(([name, text]) => [name, words(text)])),
    },
    lastDay: {
      type: 'object',
      description:
        'Decisions in which the policy applied, of the last 24 hours, as the server that leads counted them.',
      properties: {
        issued: count('Certificates issued.'),
        refused: count('Requests that a clause of this policy refused.'),
        auditHits: count('Requests that a clause of this policy would have refused, were it enforced.'),
        since: {
          type: 'string',
          format: 'date-time',
          description: 'When that server began to count, if later than a day ago.',
        },
      },
    },
  },
};
