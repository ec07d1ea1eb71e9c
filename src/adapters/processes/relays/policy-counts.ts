// How often policies applied, counted by the supervisor for all of its workers: whichever of them writes it somewhere, it is of
// all, and of those that ended.
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DayCounts, PolicyCounter, PolicyCounts } from '../../../ports/policy/policy-counter.ts';
import type { Json, Link } from '../link.ts';
import { MergedMessages, serveMergedMessages } from './merged-messages.ts';

const ADD_TOPIC = 'policy-counts/add';
const OF_TOPIC = 'policy-counts/of';

/** At the supervisor's end. */
export function servePolicyCounter(link: Link, counter: PolicyCounter): void {
  serveMergedMessages(link, ADD_TOPIC, (title, counts) => counter.add(title, counts as unknown as PolicyCounts));
  link.serve(OF_TOPIC, async (title, options) => asJson(await counter.of(title as string, options)));
}

/** At a worker's end, until the signal aborts. */
export function relayedPolicyCounter(
  { link, clock }: { readonly link: Link; readonly clock: Clock },
  options: { readonly signal: AbortSignal },
): PolicyCounter {
  const merge = (earlier: Json, later: Json): Json =>
    asJson(sumOf(earlier as unknown as PolicyCounts, later as unknown as PolicyCounts));
  const messages = new MergedMessages<Json>({ link, clock, topic: ADD_TOPIC, merge });
  void messages.run(options);
  return {
    add: (title, counts) => void messages.add(title, asJson(counts)),
    of: async (title, asking) => (await link.ask(OF_TOPIC, title, asking)) as unknown as DayCounts,
  };
}

function sumOf(one: PolicyCounts, other: PolicyCounts): PolicyCounts {
  return {
    issued: one.issued + other.issued,
    refused: one.refused + other.refused,
    auditHits: one.auditHits + other.auditHits,
  };
}

function asJson(counts: PolicyCounts): Json {
  return counts as unknown as Json;
}
