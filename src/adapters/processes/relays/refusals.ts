// Refusals that workers have to tell: the supervisor tells them, so that those of one kind are one, whichever worker refused.
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { refusalKey, type RefusalReporter, type ReportedRefusal } from '../../../ports/policy/refusal-reporter.ts';
import type { Json, Link } from '../link.ts';
import { MergedMessages, serveMergedMessages } from './merged-messages.ts';

const REPORTED_TOPIC = 'refusals/reported';

interface CountedRefusal {
  readonly refusal: ReportedRefusal;
  readonly count: number;
}

/** At the supervisor's end. */
export function serveRefusalReporter(link: Link, reporter: RefusalReporter): void {
  serveMergedMessages(link, REPORTED_TOPIC, (_key, value) => {
    const { refusal, count } = value as unknown as CountedRefusal;
    reporter.report(refusal, count);
  });
}

export interface RelayedRefusalsParts {
  readonly link: Link;
  readonly clock: Clock;
  readonly events: Pick<Events, 'refusalNotReported'>;
}

/** At a worker's end, until the signal aborts. */
export function relayedRefusalReporter(
  { link, clock, events }: RelayedRefusalsParts,
  options: { readonly signal: AbortSignal },
): RefusalReporter {
  const merge = (earlier: Json, later: Json): Json => {
    const [{ count }, { refusal, count: more }] = [
      earlier as unknown as CountedRefusal,
      later as unknown as CountedRefusal,
    ];
    return asJson({ refusal, count: count + more });
  };
  const messages = new MergedMessages<Json>({ link, clock, topic: REPORTED_TOPIC, merge });
  void messages.run(options);
  return {
    report: (refusal, count) => {
      if (!messages.add(refusalKey(refusal), asJson({ refusal, count }))) events.refusalNotReported({ why: 'full' });
    },
  };
}

function asJson(reported: CountedRefusal): Json {
  return reported as unknown as Json;
}
