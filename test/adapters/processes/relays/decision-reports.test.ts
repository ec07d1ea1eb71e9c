// What workers report of their decisions, which the supervisor tells and counts once for all of them.
import assert from 'node:assert/strict';
import { PolicyDayCounts } from '../../../../src/adapters/kubernetes/objects/status/day-counts.ts';
import type { Link } from '../../../../src/adapters/processes/link.ts';
import { MAX_MESSAGE_LENGTH } from '../../../../src/adapters/processes/message-link.ts';
import { relayedPolicyCounter, servePolicyCounter } from '../../../../src/adapters/processes/relays/policy-counts.ts';
import { relayedRefusalReporter, serveRefusalReporter } from '../../../../src/adapters/processes/relays/refusals.ts';
import type { PolicyCounter } from '../../../../src/ports/policy/policy-counter.ts';
import type { RefusalReporter, ReportedRefusal } from '../../../../src/ports/policy/refusal-reporter.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { linkedPair, type LinkedPair } from '../../../support/fakes/linked-pair.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';

const WEB = 'namespace shop/web';
const ISSUED = { issued: 1, refused: 0, auditHits: 0 };
const REFUSED = { issued: 0, refused: 1, auditHits: 0 };

function refusal(name: string, message = 'no', uid?: string): ReportedRefusal {
  const involved = { kind: 'ServiceAccount', namespace: 'shop', name, ...(uid !== undefined && { uid }) } as const;
  return { involved, reason: 'CAP-P12', message };
}

/** Answers late what it has taken. */
function slowly(link: Link, until: () => Promise<unknown>): Link {
  return {
    ask: async (...asked) => link.ask(...asked),
    tell: (...said) => link.tell(...said),
    serve: (topic, handler) =>
      link.serve(topic, async (...received) => {
        const answer = await handler(...received);
        await until();
        return answer;
      }),
  };
}

describe('What workers report of their decisions', () => {
  let clock: FakeClock;
  let end: AbortController;
  let events: RecordedEvents;
  let told: [ReportedRefusal, number][];
  let messages: number;
  let counts: PolicyDayCounts;
  let workers: readonly {
    readonly pair: LinkedPair;
    readonly reporter: RefusalReporter;
    readonly counter: PolicyCounter;
  }[];

  beforeEach(() => {
    [clock, end, events, told, messages] = [new FakeClock(), new AbortController(), recordEvents(), [], 0];
    counts = new PolicyDayCounts(clock);
    const reporter: RefusalReporter = { report: (...one) => void told.push(one) };
    workers = [1, 2].map(() => {
      const pair = linkedPair(clock);
      const { supervisor, worker: link } = pair;
      serveRefusalReporter(
        {
          ask: async (...asked) => supervisor.ask(...asked),
          tell: (...said) => supervisor.tell(...said),
          serve: (topic, handler) =>
            supervisor.serve(topic, (...received) => {
              messages += 1;
              return handler(...received);
            }),
        },
        reporter,
      );
      servePolicyCounter(supervisor, counts);
      return {
        pair,
        reporter: relayedRefusalReporter({ link, clock, events }, end),
        counter: relayedPolicyCounter({ link, clock }, end),
      };
    });
  });
  afterEach(() => end.abort());

  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      await settle();
      await clock.advance(Math.min(50, left));
    }
    await settle();
  }

  it('is told by the supervisor, whichever of them refused', async () => {
    const [first, second] = workers;
    first?.reporter.report(refusal('web', 'first'), 1);
    second?.reporter.report(refusal('web', 'second'), 1);
    await pass(300);
    assert.deepEqual(told, [
      [refusal('web', 'first'), 1],
      [refusal('web', 'second'), 1],
    ]);
  });

  it('costs few messages in a flood, and keeps its number, the newest words and kinds apart', async () => {
    const [first] = workers;
    for (let index = 1; index <= 5_000; index += 1) {
      first?.reporter.report(refusal('web', `no ${index}`), 1);
      first?.reporter.report(refusal('api', 'never', 'uid-api'), 1);
      if (index % 1_000 === 0) await pass(50);
    }
    await pass(500);
    const of = (name: string) => told.filter(([{ involved }]) => involved.name === name);
    assert.equal(
      of('web').reduce((sum, [, count]) => sum + count, 0),
      5_000,
    );
    assert.deepEqual(of('web').at(-1)?.[0], refusal('web', 'no 5000'));
    assert.deepEqual(of('api')[0]?.[0], refusal('api', 'never', 'uid-api'));
    assert.ok(messages <= 6, `${messages} messages`);
  });

  it('has a bound, beyond which it is dropped and counted, and fits into messages', async () => {
    const [first] = workers;
    const words = 'x'.repeat(1_024);
    assert.ok(1_000 * 2 * words.length < MAX_MESSAGE_LENGTH);
    for (let index = 0; index <= 10_000; index += 1) first?.reporter.report(refusal(`w${index}`, words), 1);
    assert.deepEqual(events.of('refusalNotReported'), [{ why: 'full' }]);
    await pass(2_000);
    assert.equal(told.length, 10_000);
    assert.equal(messages, 10);
  });

  it('is counted over all of them, those that ended included, and each may ask for it', async () => {
    const [first, second] = workers;
    for (let index = 0; index < 3; index += 1) first?.counter.add(WEB, ISSUED);
    second?.counter.add(WEB, REFUSED);
    await pass(300);
    first?.pair.cut();
    const asked = await second?.counter.of(WEB, end);
    assert.deepEqual([asked?.issued, asked?.refused, asked?.auditHits], [3, 1, 0]);
    assert.deepEqual(asked, await counts.of(WEB));
    await assert.rejects(first?.counter.of(WEB, end) ?? Promise.resolve(), { reason: 'CAP-S04' });
  });

  it('is counted once where the supervisor took it and its answer came too late', async () => {
    const pair = linkedPair(clock);
    const late = Promise.withResolvers<undefined>();
    const supervisor = slowly(pair.supervisor, async () => late.promise);
    servePolicyCounter(supervisor, counts);
    const counter = relayedPolicyCounter({ link: pair.worker, clock }, end);
    counter.add(WEB, ISSUED);
    await pass(4_000);
    assert.equal((await counts.of(WEB)).issued, 1);
    late.resolve(undefined);
    counter.add(WEB, ISSUED);
    await pass(4_000);
    assert.equal((await counts.of(WEB)).issued, 2);
  });

  it('waits for a supervisor that does not answer for a while, and is merged with what comes meanwhile', async () => {
    const pair = linkedPair(clock);
    const counter = relayedPolicyCounter({ link: pair.worker, clock }, end);
    counter.add(WEB, ISSUED);
    await pass(500);
    servePolicyCounter(pair.supervisor, counts);
    counter.add(WEB, ISSUED);
    await pass(2_000);
    assert.equal((await counts.of(WEB)).issued, 2);
  });
});
