import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { RotationStatus } from '../../../src/authority/administration/anchor-acts.ts';
import { boardOf, printPlan, printStep } from '../../../src/cli/reports/server/rotation.ts';
import type { WorkloadEvidence } from '../../../src/domain/trust/rotation/evidence.ts';
import { obstaclesTo, planOf } from '../../../src/domain/trust/rotation/gate.ts';
import { progressOf } from '../../../src/domain/trust/rotation/progress.ts';
import { begun, stepped, type AnchorRotation, type RotationStep } from '../../../src/domain/trust/rotation/rotation.ts';
import { good } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

const HOUR_MS = 3_600_000;
const DOCS = readFileSync(path.resolve(import.meta.dirname, '../../../docs/trust.md'), 'utf8');
const BY = { timeMs: NOON_MS - HOUR_MS, actor: 'CN=alice', role: 'security', reason: 'the root of 2016 ends' };
const OLD = { sha256: 'a1'.repeat(32), subject: 'CN=Corp Root 2016', notAfterMs: NOON_MS + 9_000 * HOUR_MS };
const NEW = { sha256: 'b2'.repeat(32), subject: 'CN=Corp Root 2026', notAfterMs: NOON_MS + 90_000 * HOUR_MS };

/** One that renewed before or after the rotation began. */
function workload(name: string, { knows = false, below = OLD, node = false } = {}): WorkloadEvidence {
  const [namespace = '', account = ''] = name.split('/');
  const issuedMs = NOON_MS - (knows ? HOUR_MS / 2 : 10 * HOUR_MS);
  const leaf = { serial: '1a2b', api: 'csr', issuer: 'c3'.repeat(8), issuedMs, notAfterMs: issuedMs + 24 * HOUR_MS };
  const anchors = knows ? [OLD.sha256, NEW.sha256] : [OLD.sha256];
  return {
    identity: `spiffe://corp.example/ns/${namespace}/sa/${account}`,
    podUid: name,
    podName: `${account}-0`,
    leaf: { ...leaf, issuerName: 'default', trustAnchor: below.sha256 },
    live: [{ trustAnchor: below.sha256, latestEndMs: leaf.notAfterMs }],
    received: [{ anchors, timeMs: issuedMs }],
    streams: node ? [{ proxy: `sidecar~${account}`, anchors, timeMs: issuedMs }] : [],
  };
}

const MESH = [
  workload('shop/web', { knows: true, node: true }),
  workload('shop/cart', { knows: true }),
  workload('shop/search', { knows: true }),
  workload('billing/ledger', { knows: true, node: true }),
  workload('billing/batch'),
];

function rotation(...steps: readonly RotationStep[]): AnchorRotation {
  const first = begun({ added: [NEW], old: [OLD], signing: [] }, BY);
  return steps.reduce<AnchorRotation>((now, step) => good(stepped(now, step, { ...BY, reason: 'all know it' })), first);
}
function statusOf(now: AnchorRotation, workloads: readonly WorkloadEvidence[]): RotationStatus {
  const progress = progressOf(now, workloads, NOON_MS);
  const anchors = [now.phase === 'publish' ? OLD.sha256 : NEW.sha256];
  const issuers = [
    { name: 'default', anchors, holdsBack: true, prepared: { id: 'd4'.repeat(8), anchors: [NEW.sha256] } },
  ];
  const obstacles = obstaclesTo(now, progress, { places: [], issuers, own: [] });
  const plan = planOf(now, progress, { nowMs: NOON_MS, spreadMs: 0 });
  return { anchors: [OLD, NEW], rotation: now, review: { atMs: NOON_MS, progress, obstacles, plan }, pending: [] };
}
function printed(print: (terminal: ReturnType<typeof recordTerminal>['terminal']) => void): string {
  const { terminal, out } = recordTerminal();
  print(terminal);
  return out();
}

describe('What a person sees of a rotation of trust anchors', () => {
  it('is a board: shares by namespace, who is behind and why, what is in the way, and when', () => {
    const board = boardOf(statusOf(rotation(), MESH), 200);
    assert.match(
      board[0] ?? '',
      /^Rotation [0-9a-f]{16} is in phase publish since .*, by CN=alice: the root of 2016 ends$/,
    );
    assert.ok(board.includes('billing            2  [############------------]  50%  [------------------------]   0%'));
    assert.ok(board.includes('shop               3  [########################] 100%  [------------------------]   0%'));
    assert.ok(board.some((line) => /^As of 2026-01-06 12:00:00 UTC: 2 of 4 that know it acknowledged it; /.test(line)));
    assert.ok(
      board.some((line) => /^ {2}spiffe:.*\(pod batch-0\) was sent a trust bundle without it, since /.test(line)),
    );
    assert.ok(board.includes('In the way of advance:'));
    assert.ok(
      board.some((line) => /^publish can end at 2026-01-06 14:00:00 UTC, and at 2026-01-07 02:00:00 UTC/.test(line)),
    );
  });

  it('fits into any terminal: lines that are longer are continued further in', () => {
    for (const width of [60, 80, 200]) {
      const lines = boardOf(statusOf(rotation(), MESH), width);
      assert.deepEqual(
        lines.filter((line) => line.length > width),
        [],
      );
    }
  });

  it('names in adopt who hangs on the old anchor, and what to type when nobody does', () => {
    const behind = boardOf(statusOf(rotation('advance'), [workload('shop/web', { knows: true })]), 300).join('\n');
    assert.match(behind, /^shop +1 +\[#+\] 100% +\[-+\] +0%$/m);
    assert.match(
      behind,
      /^Behind \(1\):\n {2}spiffe:.*shop\/sa\/web \(pod web-0\) has certificate 1a2b of issuer default/m,
    );
    assert.match(behind, /^In the way of retire:$/m);
    const moved = boardOf(statusOf(rotation('advance'), [workload('shop/web', { knows: true, below: NEW })]), 300);
    assert.ok(moved.includes('Nothing is in the way: capstan anchor retire'));
  });

  it('has the bridge while that is in force, and no longer', () => {
    const bridge = {
      sha256: 'e5'.repeat(32),
      from: OLD.sha256,
      notAfterMs: NOON_MS,
      pem: '',
      actor: 'CN=alice',
      reason: 'a drill',
    };
    const bridged = (...steps: readonly RotationStep[]) =>
      boardOf(statusOf({ ...rotation(...steps), bridge } as AnchorRotation, MESH), 300).some((line) =>
        /^ {2}bridge /.test(line),
      );
    assert.deepEqual(
      [bridged(), bridged('advance'), bridged('advance', 'retire'), bridged('abort')],
      [true, true, false, false],
    );
  });

  it('has no more than twenty namespaces and ten names, and the number of the others', () => {
    const many = Array.from({ length: 30 }, (_, index) => workload(`team-${index}/web`));
    const board = boardOf(statusOf(rotation(), many), 120);
    assert.equal(board.filter((line) => /^team-\d+ /.test(line)).length, 20);
    assert.ok(board.includes('and 10 other namespaces'));
    assert.ok(board.includes('  and 20 others'));
  });

  it('says while workloads are still being read that they are', () => {
    const { review, ...known } = statusOf(rotation(), MESH);
    assert.ok(review);
    const board = boardOf({ ...known, reading: true }, 120).join('\n');
    assert.match(board, /^Rotation [0-9a-f]{16} is in phase publish since /);
    assert.match(board, /^What is known of live workloads is still being read: ask again in a moment\.$/m);
  });

  it('is a plan: when each phase can end, and what is in the way', () => {
    const plan = printed((terminal) => printPlan(statusOf(rotation(), MESH), { terminal }));
    assert.ok(DOCS.includes(plan.trimEnd()), `docs/trust.md has not this plan:\n${plan}`);
  });

  it('is what a step has done, what was overridden, and what comes next', () => {
    const done = printed((terminal) =>
      printStep(
        { outcome: 'done', act: 'start', rotation: rotation('advance'), notes: ['1 live workload is behind'] },
        { terminal },
      ),
    );
    assert.match(done, /^Rotation [0-9a-f]{16} is in phase adopt since .*, by CN=alice: all know it$/m);
    assert.match(done, /^Overridden: 1 live workload is behind\.$/m);
    assert.match(done, /^Issuers below the new anchor sign, .* The way back: capstan anchor abort\.$/m);
  });
});
