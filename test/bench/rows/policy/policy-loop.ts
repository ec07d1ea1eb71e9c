// A process of its own: judges requests from 250 namespaces under 1,000 policies, and signs with P-256 beside it.
// Arguments: warm-up and window (seconds). Prints {"evaluateUs": N, "signUs": N}, CPU time of all threads.
import { generateKeyPairSync, sign } from 'node:crypto';
import { compileExpression } from '../../../../src/adapters/policy/expression/expression.ts';
import { UNBOUNDED } from '../../../../src/domain/policy/bounds.ts';
import type { Condition } from '../../../../src/domain/policy/condition.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import {
  bundle,
  clusterWide,
  condition,
  HAS_INGRESS,
  HOUR_MS,
  local,
  object,
  policySet,
  request,
  rule,
  snapshot,
} from '../../../support/policy/policies.ts';

const NAMESPACES = 250;
/** With the bundle's ten rules and five of the platform, a thousand. */
const LOCAL_POLICIES = 985;

const [warmUp = '1', window = '2'] = process.argv.slice(2);
const namespaceOf = (index: number): string => `team-${index % NAMESPACES}`;
const conditions: readonly Condition[] = [condition({ ...HAS_INGRESS, where: compiled('object.spec.open == true') })];

const locals = [
  ...Array.from({ length: LOCAL_POLICIES }, (_, index) => {
    const ttl = { ...UNBOUNDED.ttl, maxMs: HOUR_MS + index };
    return local({ name: `p${index}`, namespace: namespaceOf(index), narrow: { ...UNBOUNDED, ttl }, conditions });
  }),
  ...Array.from({ length: 5 }, (_, index) => clusterWide({ name: `c${index}`, conditions })),
];
const rules = Array.from({ length: 10 }, (_, index) =>
  rule({
    id: `r${index}`,
    match: { namespaces: { names: [index === 0 ? '*' : `team-${index}*`], labels: { mesh: 'true' } } },
  }),
);
const policies = policySet(bundle({ rules }), locals);
const view = snapshot(
  ...Array.from({ length: NAMESPACES }, (_, index) => [
    object('Namespace', undefined, namespaceOf(index), { metadata: { labels: { mesh: 'true' } } }),
    object('Ingress', namespaceOf(index), 'front', { spec: { open: true } }),
  ]).flat(),
);
const requests = Array.from({ length: NAMESPACES }, (_, index) => request({ namespace: namespaceOf(index) }));
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const bytes = Buffer.alloc(600, 7);

let next = 0;
const judge = (): void => {
  const { outcome, applied } = evaluate(policies, requests[next++ % NAMESPACES]!, view);
  if (outcome !== 'approved' || applied.length < 8) throw new Error(`the benchmark's own request is ${outcome}`);
};
const signOnce = (): void => void sign('sha256', bytes, privateKey);

for (const work of [judge, signOnce]) perCallUs(work, Number(warmUp));
console.log(
  JSON.stringify({ evaluateUs: perCallUs(judge, Number(window)), signUs: perCallUs(signOnce, Number(window)) }),
);

function perCallUs(work: () => void, seconds: number): number {
  const endMs = performance.now() + seconds * 1000;
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() < endMs) {
    for (let batch = 0; batch < 50; batch++) work();
    calls += 50;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

function compiled(source: string) {
  const expression = compileExpression(source, 'object');
  if ('problem' in expression) throw new Error(expression.problem);
  return expression;
}
