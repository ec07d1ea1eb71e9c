// Conditions as authors write them: one of four checks, and what happens while it does not hold. CEL is
// compiled here, once.
import { z } from 'zod';
import type { Condition, ConditionCheck, Expression } from '../../../domain/policy/condition.ts';
import { CLAIMS } from '../../../domain/policy/request.ts';
import { compileExpression } from '../expression/expression.ts';
import { formerClaimProblem } from '../former-names.ts';
import { look, unique } from './checks.ts';
import { annotations, label, labels, meaning, pattern, sentence, someOf, text, wait } from './scalar-schemas.ts';
import { mode, onRenew } from './shared-schemas.ts';

const MAX_CONDITIONS = 50;
const MAX_EXPRESSION = 2_000;

const anyName = pattern('!-)+-~', 'a name');
const source = () => z.string().min(1, 'must not be empty').max(MAX_EXPRESSION);
const where = meaning(source(), (written) => compiled(written, 'object')).optional();
const ON_OBJECT = 'A CEL expression over `object`, `request` and `cluster` that must be true of it.';

function compiled(written: string, over: 'request' | 'object'): Expression | { readonly problem: string } {
  const expression = compileExpression(written, over);
  if (!('problem' in expression)) return expression;
  const { problem, offset } = expression;
  return { problem: offset === undefined ? problem : `${problem} (at character ${offset + 1})` };
}

const exists = z
  .strictObject({
    apiVersion: text(
      /^([a-z0-9.-]{1,253}\/)?v[0-9][a-z0-9]{0,30}$/,
      'must be an API version such as networking.k8s.io/v1',
    )
      .optional()
      .describe('API group and version. Absent, whatever group and version.'),
    kind: text(/^[A-Z][A-Za-z0-9]{0,62}$/, 'must be a kind such as Ingress').describe('Kind of the object.'),
    inNamespace: label
      .prefault('self')
      .describe(
        "Where it must be: `self` is the workload's own namespace. The bundle and cluster policies may also say `none`, for what belongs to the cluster, or name a namespace.",
      ),
    names: someOf(anyName).optional().describe('Names that it may have. Absent, any.'),
    labels: labels.optional().describe('Labels that it must have, each with this value.'),
    selectsPod: z.boolean().prefault(false).describe("Whether its selector must select the workload's pod."),
    where: where.describe(ON_OBJECT),
  })
  .superRefine(
    ...look(({ selectsPod, inNamespace = 'self' }, complain) => {
      if (selectsPod !== true || inNamespace === 'self') return;
      complain(['selectsPod'], 'goes with inNamespace: self only, because selectors select in their own namespace');
    }),
  )
  .transform(
    ({ kind, apiVersion, inNamespace, names, labels: wanted, selectsPod, where: expression }): ConditionCheck => ({
      kind: 'exists',
      objectKind: kind,
      inNamespace: placeOf(inNamespace),
      selectsPod,
      ...(apiVersion !== undefined && { apiVersion }),
      ...(names !== undefined && { names }),
      ...(wanted !== undefined && { labels: wanted }),
      ...(expression !== undefined && { where: expression }),
    }),
  );

function placeOf(name: string): Extract<ConditionCheck, { kind: 'exists' }>['inNamespace'] {
  return name === 'self' || name === 'none' ? { in: name } : { in: 'named', namespace: name };
}

const matches = z
  .strictObject({
    object: z.enum(['namespace', 'serviceAccount', 'pod']).describe("Which of the workload's own objects."),
    labels: labels.optional().describe('Labels that it must have, each with this value.'),
    annotations: annotations.optional().describe('Annotations that it must have, each with this value.'),
    where: where.describe(ON_OBJECT),
  })
  .transform(({ object, labels: wanted, annotations: noted, where: expression }): ConditionCheck => ({
    kind: 'matches',
    target: object,
    ...(wanted !== undefined && { labels: wanted }),
    ...(noted !== undefined && { annotations: noted }),
    ...(expression !== undefined && { where: expression }),
  }));

const claim = z
  .strictObject({
    name: z.enum(CLAIMS, { error: ({ input }) => formerClaimProblem(String(input)) }).describe('Which claim.'),
    in: someOf(anyName).describe('What it may say.'),
  })
  .transform(({ name, in: allowed }): ConditionCheck => ({ kind: 'claim', claim: name, in: allowed }));

const expression = meaning(source(), (written) => compiled(written, 'request')).transform(
  (compiledExpression): ConditionCheck => ({ kind: 'expression', expression: compiledExpression }),
);

const CHECKS = ['exists', 'matches', 'claim', 'expression'] as const;
const ONE_CHECK = `must say exactly one of ${CHECKS.join(', ')}`;

const condition = z
  .strictObject({
    id: label.describe('Names the condition in refusals and metrics. Unique in its policy.'),
    exists: exists.optional().describe('An object of this kind exists, and fits.'),
    matches: matches.optional().describe("The workload's own Namespace, ServiceAccount or Pod fits."),
    claim: claim.optional().describe('What the credential says of the workload.'),
    expression: expression.optional().describe('A CEL expression over `request` and `cluster` that must be true.'),
    message: sentence(500).describe(
      'What to do about it. A workload that is refused finds it in the log of its proxy.',
    ),
    onRenew: onRenew
      .optional()
      .describe(
        'What happens to an identity that has a certificate: `enforce` refuses, `warn` renews, `{ grace: 2h }` renews for so long after the condition last held. Absent, for one lifetime of the certificate.',
      ),
    waitFor: wait('10s').prefault('3s').describe('How long a first request may be held for it to turn true.'),
    mode,
  })
  .superRefine(
    ...look((fields, complain) => {
      const written = CHECKS.filter((name) => fields[name] !== undefined);
      if (written.length !== 1) complain(written.slice(1, 2), ONE_CHECK);
    }),
  )
  .transform((fields): Condition => ({
    id: fields.id,
    check: (fields.exists ?? fields.matches ?? fields.claim ?? fields.expression) as ConditionCheck,
    message: fields.message,
    onRenew: fields.onRenew ?? { kind: 'grace' },
    waitMs: fields.waitFor,
    mode: fields.mode,
  }))
  .meta({
    id: 'Condition',
    description: 'Something that must be true of the cluster or the request.',
    oneOf: CHECKS.map((name) => ({ required: [name] })),
  });

export const conditions = z
  .array(condition)
  .max(MAX_CONDITIONS)
  .superRefine(...unique('id'))
  .prefault([]);
