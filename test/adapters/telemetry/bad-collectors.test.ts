// What collectors of OpenTelemetry can do to a server: whatever they answer, telling them ends within its bound, and what they did not
// take is counted.
import assert from 'node:assert/strict';
import { OtlpRecordLog } from '../../../src/adapters/telemetry/record-logs.ts';
import { OtlpTracer } from '../../../src/adapters/telemetry/traces.ts';
import { eventually } from '../../support/eventually.ts';
import { BAD_ANSWERS, BadCollector, type BadAnswer } from './bad-collector.ts';
import { ISSUED } from './records.ts';

/** Of the end: what is under way, one export more, and some room. */
const ENDS_WITHIN_MS = 10_000;
const ALL = Object.keys(BAD_ANSWERS) as readonly BadAnswer[];

describe('A collector that answers badly', function () {
  this.timeout(60_000);

  async function within(name: string, work: Promise<unknown>): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const tooLate = new Promise((_, reject) => {
      late = setTimeout(() => reject(new Error(`${name}: it did not end in time`)), ENDS_WITHIN_MS);
    });
    await Promise.race([work, tooLate]).finally(() => clearTimeout(late));
  }

  it('does not keep records longer than they may take, and each that it did not take is counted', async () => {
    await Promise.all(
      ALL.map(async (bad) => {
        await using collector = await BadCollector.start(bad);
        const failures: unknown[] = [];
        let dropped = 0;
        const log = new OtlpRecordLog(
          { endpoint: `${collector.origin}/v1/logs` },
          { onFailure: (cause) => failures.push(cause), onDropped: (count) => (dropped += count) },
        );
        for (let one = 0; one < 600; one += 1) log.decision(ISSUED);
        await within(bad, log[Symbol.asyncDispose]());
        assert.ok(collector.asked > 0, bad);
        assert.equal(dropped, 600, bad);
        assert.ok(failures.length > 0, bad);
      }),
    );
  });

  it('does not keep spans either', async () => {
    await Promise.all(
      ALL.map(async (bad) => {
        await using collector = await BadCollector.start(bad);
        const failures: unknown[] = [];
        const tracer = new OtlpTracer({ endpoint: `${collector.origin}/v1/traces`, sampleRatio: 1 }, (cause) =>
          failures.push(cause),
        );
        for (let one = 0; one < 600; one += 1) await tracer.span('answer csr', async () => undefined);
        await within(bad, tracer[Symbol.asyncDispose]());
        assert.ok(collector.asked > 0, bad);
        // An open one keeps the process from its end.
        const isQuiet = async () => (await collector.open()) === 0;
        await eventually(`${bad}: no connection is left`, isQuiet, { withinMs: ENDS_WITHIN_MS });
      }),
    );
  });
});
