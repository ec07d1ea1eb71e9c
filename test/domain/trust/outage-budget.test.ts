import assert from 'node:assert/strict';
import type { Barred, Interruption } from '../../../src/domain/trust/interruption.ts';
import { endOf } from '../../../src/domain/trust/outage-budget.ts';
import type { WorkloadEvidence } from '../../../src/domain/trust/rotation/evidence.ts';
import { workloadEvidence } from '../../support/trust/fake-evidence.ts';

const HOUR_MS = 3_600_000;
const leaf = (api = 'csr') => ({
  serial: '1',
  api,
  issuer: 'a',
  issuerName: 'gold',
  issuedMs: 0,
  notAfterMs: 24 * HOUR_MS,
});
const held = (latestEndMs = 24 * HOUR_MS, api = 'csr', changes: Partial<WorkloadEvidence> = {}) =>
  workloadEvidence({ leaf: leaf(api), live: [{ latestEndMs }], ...changes });
const at = (hours: number, { interruptions = [] as readonly Interruption[], workload = held() } = {}) =>
  endOf(workload, { interruptions, sdsRenewAt: 0.8 }, hours * HOUR_MS);
const out = (from: number, to: number, barred: Barred = {}): Interruption => ({
  fromMs: from * HOUR_MS,
  toMs: to * HOUR_MS,
  barred,
});

describe('A workload in the outage budget', () => {
  it('has a certificate until the one that ends last ends, whatever was issued last', () => {
    assert.equal(at(1), 24 * HOUR_MS);
    assert.equal(at(1, { workload: held(30 * HOUR_MS) }), 30 * HOUR_MS);
  });

  it('is left out once it is late by half of what was left when its renewal was due', () => {
    assert.equal(at(18), 24 * HOUR_MS);
    assert.equal(at(18.01), undefined);
    const sds = held(24 * HOUR_MS, 'sds');
    assert.equal(at(21.6, { workload: sds }), 24 * HOUR_MS, 'over SDS by the share at which this CA renews');
    assert.equal(at(21.7, { workload: sds }), undefined);
  });

  it('is not late for the time in which nothing could be issued, and has as long as ever after it', () => {
    assert.equal(at(23, { interruptions: [out(10, 23)] }), 24 * HOUR_MS);
    assert.equal(at(18.5, { interruptions: [out(0, 11)] }), undefined, 'before it was due it would not have come');
    const twice = [out(12, 14), out(15, 17)];
    assert.equal(at(22, { interruptions: twice }), 24 * HOUR_MS);
    assert.equal(at(22.1, { interruptions: twice }), undefined);
  });

  it('stays when its certificate ended in such a time, until it is as late as ever', () => {
    const interruptions = [out(10, 100)];
    assert.equal(at(99, { interruptions }), 24 * HOUR_MS);
    assert.equal(at(106, { interruptions }), 24 * HOUR_MS);
    assert.equal(at(106.1, { interruptions }), undefined);
  });

  it('is late only by the time that is in none of two interruptions that overlap', () => {
    const interruptions = [out(12, 20), out(10, 22, { issuer: 'gold' })];
    assert.equal(at(28, { interruptions }), 24 * HOUR_MS);
    assert.equal(at(28.1, { interruptions }), undefined);
  });

  it('is kept waiting by its own issuer and its own cluster alone', () => {
    const kept = (barred: Barred, changes: Partial<WorkloadEvidence> = {}): boolean =>
      at(20, { interruptions: [out(10, 20, barred)], workload: held(undefined, 'csr', changes) }) !== undefined;
    assert.ok(kept({ issuer: 'gold' }));
    assert.ok(!kept({ issuer: 'silver' }));
    assert.ok(kept({ cluster: 'west' }, { cluster: 'west', podUid: '1' }));
    assert.ok(!kept({ cluster: 'west' }, { podUid: '1' }));
    assert.ok(kept({ cluster: '' }, { podUid: '1' }));
    assert.ok(!kept({ cluster: '' }, { cluster: 'west', podUid: '1' }));
    assert.ok(!kept({ cluster: '' }), 'a machine needs no API server');
  });
});
