import assert from 'node:assert/strict';
import { MAX_WAITING_RECORDS, OtlpRecordLog } from '../../../src/adapters/telemetry/record-logs.ts';
import { openTelemetry } from '../../../src/adapters/telemetry/telemetry.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { OtlpCollector } from './otlp-collector.ts';
import { ISSUED, REFUSED, TRACE } from './records.ts';

const OPERATION: OperationRecord = {
  timeMs: ISSUED.timeMs + 1,
  operation: 'issuer suspend',
  was: 'active',
  is: 'suspended',
  details: { actor: 'CN=alice', role: 'security', target: 'issuer default', reason: 'the audit' },
};
/** Of a host that nobody answers at. */
const NOWHERE = 'http://127.0.0.1:9/v1/logs';

describe('What is on record, at a collector of logs', () => {
  let failures: unknown[];
  let dropped: number;
  beforeEach(() => ([failures, dropped] = [[], 0]));

  const open = (endpoint: string): OtlpRecordLog =>
    new OtlpRecordLog(
      { endpoint },
      { onFailure: (cause) => failures.push(cause), onDropped: (count) => (dropped += count) },
    );

  it('has the names and the values that an export of the journal has, and when it was', async () => {
    await using collector = await OtlpCollector.start();
    const log = open(collector.endpoint);
    const issued = { ...ISSUED, policy: TRACE };
    log.decision(issued);
    log.decision(REFUSED);
    log.operation(OPERATION);
    await log[Symbol.asyncDispose]();
    assert.deepEqual(
      collector.told.map(({ event, severity, timeMs }) => [event, severity, timeMs]),
      [
        ['capstan.decision', 9, issued.timeMs],
        ['capstan.decision', 13, REFUSED.timeMs],
        ['capstan.operation', 9, OPERATION.timeMs],
      ],
    );
    assert.deepEqual(
      collector.told.map(({ attributes }) => attributes),
      [issued, REFUSED, OPERATION],
    );
    assert.deepEqual([failures, dropped], [[], 0]);
  });

  it('is dropped within a bound, and counted, while the collector is away, and nobody waits for it', async () => {
    const log = open(NOWHERE);
    for (let one = 0; one < MAX_WAITING_RECORDS + 7; one += 1) log.decision(ISSUED);
    assert.equal(dropped, 7);
    await log[Symbol.asyncDispose]();
    assert.ok(failures.length > 0);
    assert.equal(dropped, MAX_WAITING_RECORDS + 7);
  });

  it('is counted where the collector refuses it', async () => {
    await using collector = await OtlpCollector.start(400);
    const log = open(collector.endpoint);
    log.decision(ISSUED);
    log.operation(OPERATION);
    await log[Symbol.asyncDispose]();
    assert.deepEqual([dropped, failures.length], [2, 1]);
  });

  it('is counted where the collector takes a batch and rejects some of it, never as more than a batch has', async () => {
    for (const [rejected, counted] of [
      [1, 1],
      ['9007199254740993', 512],
      [-5, 0],
      ['many', 0],
    ] as const) {
      dropped = 0;
      const body = JSON.stringify({ partialSuccess: { rejectedLogRecords: rejected, errorMessage: 'no' } });
      await using collector = await OtlpCollector.start(200, body);
      const log = open(collector.endpoint);
      log.decision(ISSUED);
      await log[Symbol.asyncDispose]();
      assert.equal(dropped, counted, String(rejected));
    }
  });

  it('is told to nobody where no collector is configured', async () => {
    await using telemetry = openTelemetry({ log: { level: 'error', destination: 2 } });
    telemetry.recordLog.decision(ISSUED);
    telemetry.recordLog.operation(OPERATION);
    assert.match(await telemetry.collect(), /^capstan_log_records_dropped_total 0$/m);
  });
});
