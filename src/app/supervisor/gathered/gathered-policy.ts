// Which policies are in force over all workers. Each reads the files itself, so that for a moment after a change they
// differ; each decision names the revision by which it was made.
import type { PolicyInForce } from '../../../adapters/http/observation/routes.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { POLICY_TOPIC } from '../../worker/topics.ts';
import { askEach, type ServingWorkers } from './ask-each.ts';

/** @returns what the first worker judges by, and who judges by what while they differ; nothing before the first revision. */
export async function gatherPolicy(
  workers: ServingWorkers,
  clock: Pick<Clock, 'after'>,
): Promise<PolicyInForce | undefined> {
  const answers = await askEach(workers(), POLICY_TOPIC, clock);
  const known = answers.flatMap(({ slot, body }) =>
    body === undefined || body === null ? [] : [{ worker: slot, policy: body as unknown as PolicyInForce }],
  );
  const [first] = known;
  if (first === undefined) return undefined;
  if (known.every(({ policy }) => policy.revision === first.policy.revision)) return first.policy;
  return { ...first.policy, workers: known.map(({ worker, policy: { revision } }) => ({ worker, revision })) };
}
